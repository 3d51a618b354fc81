// The published client service of django-easyjwt with auth-graph as its authentication service: the service of
// ../bench/easyjwt without a change, and auth-graph with `rest.enabled`.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createUser, startAuthGraph, user } from './auth-graph.mjs';
import { ask } from './graphql.mjs';
import { freePort, startProgram } from './processes.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const project = join(here, '..', 'bench', 'easyjwt');
const folder = mkdtempSync(join(tmpdir(), 'auth-graph-easyjwt-'));
let auth, client;

/** Sends a request to the client service. */
async function call(path, { body, token } = {}) {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
  const method = body ? 'POST' : 'GET';
  const answer = await fetch(new URL(path, client.url), { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, body: /^[[{"]/.test(text) ? JSON.parse(text) : text };
}

const signIn = async () => (await call('/auth/token/', { body: user })).body;

/** Returns the rows of Django's users. */
function localUsers() {
  const program = `import json, sqlite3, sys
print(json.dumps(sqlite3.connect(sys.argv[1]).execute("SELECT email, first_name FROM user").fetchall()))`;
  const database = join(folder, 'django', 'client.sqlite3');
  return JSON.parse(execFileSync('python3', ['-c', program, database], { encoding: 'utf8' }));
}

before(async () => {
  const data = join(folder, 'django');
  mkdirSync(data);
  writeFileSync(join(data, 'key'), crypto.randomUUID() + crypto.randomUUID());
  createUser(join(folder, 'auth-graph'));
  auth = await startAuthGraph(join(folder, 'auth-graph'), ['rest.enabled=true', 'claims.django=true']);
  const environment = {
    ...process.env,
    AUTH_URL: auth.url,
    DJANGO_SETTINGS_MODULE: 'client_settings',
    EASYJWT_DATA: data,
    PYTHONDONTWRITEBYTECODE: '1',
  };
  const options = { cwd: project, env: environment };
  execFileSync(join(here, '.venv', 'bin', 'python'), ['prepare.py'], { ...options, stdio: ['ignore', 'ignore', 'inherit'] });
  const port = await freePort();
  const args = ['wsgi', '--bind', `127.0.0.1:${port}`, '--workers', '1', '--log-level', 'warning', '--no-control-socket'];
  const url = `http://127.0.0.1:${port}`;
  client = await startProgram(join(here, '.venv', 'bin', 'gunicorn'), args, `${url}/api/test/`, options);
  client.url = url;
});

after(async () => {
  client?.stop();
  await auth?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('a user signs in and calls the service, and Django has their row', async () => {
  assert.deepEqual(localUsers(), []);
  const { access, refresh } = await signIn();
  assert.ok(access && refresh);
  assert.deepEqual(await call('/api/test/', { token: access }), { status: 200, body: 'success' });
  assert.deepEqual(localUsers(), [[user.email, '']]);
});

test('a change of the user is visible at their next call', async () => {
  const { access } = await signIn();
  const rename = 'mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { user { id } } }';
  await ask(auth.url, rename, { variables: { input: { firstName: 'Ada' } }, token: access });
  assert.equal((await call('/api/test/', { token: access })).status, 200);
  assert.deepEqual(localUsers(), [[user.email, 'Ada']]);
});

test('a pair is refreshed, and its tokens are verified', async () => {
  const { refresh } = await signIn();
  const next = await call('/auth/token/refresh/', { body: { refresh } });
  assert.equal(next.status, 200);
  assert.equal((await call('/api/test/', { token: next.body.access })).status, 200);
  for (const token of [next.body.access, next.body.refresh]) {
    assert.equal((await call('/auth/token/verify/', { body: { token } })).status, 200);
  }
});

test('wrong passwords and malformed tokens are rejected', async () => {
  const wrong = await call('/auth/token/', { body: { ...user, password: 'not it' } });
  assert.ok([401, 403].includes(wrong.status), `${wrong.status}`);
  assert.ok([401, 403].includes((await call('/api/test/', { token: 'nonsense' })).status));
  assert.ok([401, 403].includes((await call('/api/test/')).status));
  assert.ok([401, 403].includes((await call('/auth/token/verify/', { body: { token: 'nonsense' } })).status));
  assert.ok([401, 403].includes((await call('/auth/token/refresh/', { body: { refresh: 'nonsense' } })).status));
});

test('after a log-out neither token is valid', async () => {
  const { access, refresh } = await signIn();
  const logout = await call('/auth/token/logout/', { body: { refresh } });
  assert.ok(logout.status < 300, `${logout.status}`);
  assert.ok([401, 403].includes((await call('/auth/token/refresh/', { body: { refresh } })).status));
  assert.ok([401, 403].includes((await call('/api/test/', { token: access })).status));
});
