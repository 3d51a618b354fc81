// The example for services in Python. It verifies tokens with the JWKS and follows the feed, with FastAPI, PyJWT and
// httpx, and without a package of this project.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ask, login, users } from './graphql.mjs';
import { freePort, patience, startProgram } from './processes.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const authUrl = process.env.AUTH_URL;

async function start(environment) {
  const port = await freePort();
  const uvicorn = join(here, '.venv', 'bin', 'uvicorn');
  const args = ['service:app', '--port', String(port), '--log-level', 'warning'];
  const options = { cwd: join(here, 'python-service'), env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...environment } };
  const { url, stop, ended } = await startProgram(uvicorn, args, `http://127.0.0.1:${port}/health`, options);
  return { url: new URL(url).origin, stop, ended };
}

/** Waits until a condition is true. */
async function eventually(what, wanted) {
  const deadline = Date.now() + patience;
  let seen;
  do {
    seen = await what();
    if (wanted(seen)) return seen;
    await new Promise((resolve) => setTimeout(resolve, 20));
  } while (Date.now() < deadline);
  throw new Error(`it stayed ${JSON.stringify(seen)}`);
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

test('it identifies the caller', async () => {
  const { status, body } = await get(service, '/me', user.accessToken);
  assert.deepEqual([status, body.subject], [200, user.user.id]);
  const { myLoginSessions: sessions } = await ask(authUrl, '{ myLoginSessions { id } }', { token: user.accessToken });
  assert.ok(sessions.some(({ id }) => id === body.session));
});

test('it rejects invalid tokens with the codes of auth-graph', async () => {
  const [header, claims] = user.accessToken.split('.');
  const [, other] = staff.accessToken.split('.');
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const bad = {
    'another signature': `${user.accessToken.slice(0, -8)}AAAAAAAA`,
    'the claims of another user': [header, other, user.accessToken.split('.')[2]].join('.'),
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

test('it rejects a token for another audience', async () => {
  const other = await start({ AUDIENCE: 'another' });
  try {
    assert.equal((await get(other, '/me', user.accessToken)).code, 'TOKEN_INVALID');
  } finally {
    other.stop();
  }
});

test('it requires the scope', async () => {
  assert.equal((await get(service, '/reports', staff.accessToken)).status, 200);
  assert.equal((await get(service, '/reports', user.accessToken)).code, 'FORBIDDEN');
  const unscoped = await login(authUrl, { ...users.staff, scope: [] });
  assert.equal((await get(service, '/reports', unscoped.accessToken)).code, 'FORBIDDEN');
});

test('with the feed it has every user, applies changes, and rejects ended sessions', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'auth-graph-python-'));
  const admin = await login(authUrl, users.admin);
  const make = `mutation ($input: CreateClientInput!) { createClient(input: $input) { secret client { id } } }`;
  const input = { name: `python ${crypto.randomUUID()}`, scopes: ['feed:read'] };
  const { secret, client } = (await ask(authUrl, make, { variables: { input }, token: admin.accessToken })).createClient;
  const environment = { CLIENT_ID: client.id, CLIENT_SECRET: secret, DATABASE: join(folder, 'users.sqlite') };
  const ready = (following) => eventually(() => get(following, '/ready'), ({ status }) => status === 200);
  const rename = async (firstName) => {
    const query = 'mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { user { id } } }';
    await ask(authUrl, query, { variables: { input: { firstName } }, token: user.accessToken });
  };
  const row = (following) => get(following, `/users/${user.user.id}`, staff.accessToken);

  let following = await start(environment);
  try {
    await ready(following);
    // The administrator has never visited this service.
    const { body } = await get(following, `/users/${admin.user.id}`, staff.accessToken);
    assert.equal(body.email, users.admin.email);

    await rename('Grace');
    await eventually(() => row(following), ({ body }) => body.name === 'Grace');

    const session = await login(authUrl, users.user);
    assert.equal((await get(following, '/me', session.accessToken)).status, 200);
    const logout = 'mutation ($token: String) { logout(refreshToken: $token) { revokedSessions } }';
    await ask(authUrl, logout, { variables: { token: session.refreshToken } });
    await eventually(() => get(following, '/me', session.accessToken), ({ code }) => code === 'TOKEN_REVOKED');

    // Changes during an outage are not missed, and ended sessions are still rejected.
    following.stop();
    await following.ended;
    await rename('Ada');
    following = await start(environment);
    await ready(following);
    assert.equal((await row(following)).body.name, 'Ada');
    assert.equal((await get(following, '/me', session.accessToken)).code, 'TOKEN_REVOKED');
  } finally {
    following.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
