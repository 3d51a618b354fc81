// The example for services in Python: it verifies tokens by the JWKS, with FastAPI and PyJWT and nothing of ours.
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ask, login, users } from './graphql.mjs';
import { freePort, startProgram } from './processes.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const authUrl = process.env.AUTH_URL;

async function start(environment) {
  const port = await freePort();
  const uvicorn = join(here, '.venv', 'bin', 'uvicorn');
  const args = ['service:app', '--port', String(port), '--log-level', 'warning'];
  const options = { cwd: join(here, 'python-service'), env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...environment } };
  return startProgram(uvicorn, args, `http://127.0.0.1:${port}/health`, options);
}

async function get(service, path, token) {
  const answer = await fetch(new URL(path, service.url), { headers: token ? { authorization: `Bearer ${token}` } : {} });
  const body = await answer.json();
  return { status: answer.status, body, code: body.detail?.code };
}

let service, user, staff;
before(async () => {
  [service, user, staff] = await Promise.all([start({}), login(authUrl, users.user), login(authUrl, users.staff)]);
});
after(() => service?.stop());

test('it knows who calls', async () => {
  const { status, body } = await get(service, '/me', user.accessToken);
  assert.deepEqual([status, body.subject], [200, user.user.id]);
  const { sessions } = await ask(authUrl, '{ sessions { id } }', { token: user.accessToken });
  assert.ok(sessions.some(({ id }) => id === body.session));
});

test('it refuses what is no good, with the codes that auth-graph uses', async () => {
  const [header, claims] = user.accessToken.split('.');
  const [, other] = staff.accessToken.split('.');
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const bad = {
    'another signature': `${user.accessToken.slice(0, -8)}AAAAAAAA`,
    'the claims of somebody else': [header, other, user.accessToken.split('.')[2]].join('.'),
    'no signature': `${part({ alg: 'none', typ: 'at+jwt' })}.${claims}.`,
    'an algorithm of its own': `${part({ ...JSON.parse(Buffer.from(header, 'base64url')), alg: 'HS256' })}.${claims}.AAAA`,
    'an unknown key': `${part({ alg: 'ES256', typ: 'at+jwt', kid: 'unknown' })}.${claims}.AAAA`,
    'a refresh token': user.refreshToken,
  };
  for (const [what, token] of Object.entries(bad)) {
    const { status, code } = await get(service, '/me', token);
    assert.deepEqual([status, code], [401, 'TOKEN_INVALID'], what);
  }
  assert.deepEqual((await get(service, '/me')).code, 'UNAUTHENTICATED');
});

test('it refuses a token for another audience', async () => {
  const other = await start({ AUDIENCE: 'another' });
  try {
    assert.equal((await get(other, '/me', user.accessToken)).code, 'TOKEN_INVALID');
  } finally {
    other.stop();
  }
});

test('it asks for the scope', async () => {
  assert.equal((await get(service, '/reports', staff.accessToken)).status, 200);
  assert.equal((await get(service, '/reports', user.accessToken)).code, 'FORBIDDEN');
  const unscoped = await login(authUrl, { ...users.staff, scope: [] });
  assert.equal((await get(service, '/reports', unscoped.accessToken)).code, 'FORBIDDEN');
});
