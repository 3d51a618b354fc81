// Users of other systems. The software of those systems creates their hashes and their database, and the users sign in
// here with their old passwords.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { binary, login, startAuthGraph } from './auth-graph.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const run = promisify(execFile);
const password = "pässword of Ada's";

/** Runs the software of another system, without blocking this process. */
async function python(...args) {
  const { stdout } = await run(join(here, '.venv', 'bin', 'python'), [join(here, 'foreign_users.py'), ...args]);
  return stdout;
}

function importUsers(folder, from, source) {
  const args = ['--set', `data_dir=${folder}`, 'import', '--from', from, source];
  return execFileSync(binary('auth-graph'), args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

async function post(url, path, body) {
  const answer = await fetch(new URL(path, url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

describe('password hashes of other systems', () => {
  let folder;
  let service;
  let users;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'import-'));
    const lines = await python('hashes');
    users = lines.trim().split('\n').map((line) => JSON.parse(line));
    writeFileSync(join(folder, 'users.jsonl'), lines);
    assert.match(importUsers(folder, 'json', 'users.jsonl'), new RegExp(`^${users.length} imported, 0 refused`));
    service = await startAuthGraph(folder);
  });
  after(async () => {
    await service?.stop();
    rmSync(folder, { recursive: true });
  });

  test('every user signs in, and wrong passwords are rejected', async () => {
    assert.equal(users.length, 12);
    for (const { email, passwordHash } of users) {
      const wrong = login(service.url, { email, password: 'another password' });
      await assert.rejects(wrong, /INVALID_CREDENTIALS/, `${email} ${passwordHash}`);
      // The second time, the password is compared with the hash that replaced the imported one.
      for (const _ of [1, 2]) {
        const pair = await login(service.url, { email, password });
        assert.ok(pair.accessToken, email);
      }
    }
  });
});

describe('the database of a django-easyjwt authentication service', () => {
  let folder;
  let service;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'import-'));
    const database = join(folder, 'easyjwt.sqlite3');
    await python('easyjwt', database);
    assert.match(importUsers(folder, 'easyjwt', `sqlite://${database}`), /^3 imported, 0 refused/);
    service = await startAuthGraph(folder, ['rest.enabled=true']);
  });
  after(async () => {
    await service?.stop();
    rmSync(folder, { recursive: true });
  });

  test('its users sign in with their old passwords, through its own client', async () => {
    for (const [email, id] of [['root@example.com', 2], ['ada@example.com', 3]]) {
      const pair = JSON.parse(await python('client', service.url, email));
      assert.deepEqual(pair.verified, {});
      const headers = { authorization: `Bearer ${pair.access}` };
      const account = await (await fetch(new URL('/auth/user/', service.url), { headers })).json();
      assert.equal(account.id, id, 'the integer stays');
      assert.equal(account.is_superuser, email === 'root@example.com');
    }
  });

  test('a disabled user stays disabled', async () => {
    const answer = await post(service.url, '/auth/token/', { email: 'gone@example.com', password });
    assert.equal(answer.status, 401);
    assert.deepEqual(answer.body, { detail: 'No active account found with the given credentials' });
  });

  test('a superuser stays a superuser', async () => {
    const { accessToken } = await login(service.url, { email: 'root@example.com', password });
    const answer = await fetch(new URL('/graphql', service.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${accessToken}` },
      body: JSON.stringify({ query: '{ users { totalCount } }' }),
    });
    assert.deepEqual(await answer.json(), { data: { users: { totalCount: 3 } } });
  });
});
