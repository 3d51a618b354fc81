// The commands of docs/guides/production.md, in their order, on a machine with PostgreSQL and a mail server.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { binary } from './auth-graph.mjs';
import { makeCertificate } from './certificates.mjs';
import { login } from './graphql.mjs';
import { startMailServer } from './mails.mjs';
import { inNamespaces } from './namespaces.mjs';
import { startPostgres } from './postgres.mjs';
import { patience } from './processes.mjs';
import { tools } from './tools.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const guide = readFileSync(join(root, 'docs', 'guides', 'production.md'), 'utf8');

/** Returns the code of a language in a section of the guide. */
function codeIn(section, language) {
  const text = guide.split(`\n## ${section}\n`)[1]?.split('\n## ')[0];
  assert.ok(text, `the guide has a section ${section}`);
  return [...text.matchAll(new RegExp(`\\n\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, code]) => code);
}

inNamespaces(import.meta.url, ['auth.example.com', 'mail.example.com'], (folder) => {
  const secrets = join(folder, 'secrets');
  const passwords = { PASSWORD_1: 'one-pass', PASSWORD_2: 'two-pass', BACKUP_PASSWORD: 'backup-pass' };
  const admin = { email: 'admin@example.com', password: 'correct horse battery staple' };
  const urlOf = (role, password, database = 'auth_graph') => `postgres://${role}:${password}@127.0.0.1/${database}`;
  const seen = [];
  let postgres, mail, env, service;
  let output = '';

  /** Runs the commands of a section, while the mail server of this process goes on. */
  const run = async (section, number = 0) => {
    const command = codeIn(section, 'sh')[number];
    seen.push(command);
    const { stdout } = await promisify(execFile)('bash', ['--norc', '-euo', 'pipefail', '-c', command], { cwd: folder, env });
    return stdout;
  };
  const psql = (url, statement) => spawnSync('psql', [url, '--no-psqlrc', '--tuples-only', '--no-align', '--command', statement], { encoding: 'utf8' });

  before(async () => {
    mkdirSync(secrets);
    symlinkSync(join(root, 'deploy'), join(folder, 'deploy'));
    const secret = (name, content) => writeFileSync(join(secrets, name), `${content}\n`);
    secret('postgres_password', 'postgres-pass');
    secret('auth_graph_secret', execFileSync('openssl', ['rand', '-base64', '32'], { encoding: 'utf8' }).trim());
    secret('auth_graph_database', urlOf('auth_graph_1', passwords.PASSWORD_1));
    secret('restored_database', urlOf('auth_graph_2', passwords.PASSWORD_2, 'auth_graph_restored'));
    secret('auth_graph_smtp', 'smtps://user:password@mail.example.com');
    secret('admin_password', admin.password);
    mkdirSync('/run/secrets', { recursive: true });
    execFileSync('mount', ['--bind', secrets, '/run/secrets']);

    mail = await startMailServer(465, makeCertificate(join(folder, 'mail'), 'mail.example.com'));
    postgres = startPostgres(join(folder, 'postgres'), 5432, join(secrets, 'postgres_password'));

    const [configuration] = codeIn('The configuration', 'toml');
    writeFileSync(join(folder, 'auth-graph.toml'), configuration);
    env = {
      PATH: `${dirname(binary('auth-graph'))}:${process.env.PATH}`,
      AUTH_GRAPH_CONFIG: join(folder, 'auth-graph.toml'),
      AUTH_GRAPH_DATA_DIR: join(folder, 'data'),
      // The authority of this mail server is none that the machine trusts.
      AUTH_GRAPH_MAIL__SMTP_AUTHORITIES: join(folder, 'mail', 'ca.pem'),
      ...{ PGHOST: '127.0.0.1', PGUSER: 'postgres', PGPASSWORD: 'postgres-pass', PGDATABASE: 'postgres' },
      ...passwords,
      BACKUP_URL: urlOf('auth_graph_backup', passwords.BACKUP_PASSWORD),
    };
  });
  after(async () => {
    await stop();
    postgres?.stop();
    mail?.stop();
  });

  async function start() {
    service = spawn(binary('auth-graph'), ['serve'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [service.stdout, service.stderr]) stream.on('data', (chunk) => (output += chunk));
    const deadline = Date.now() + patience;
    while (!(await fetch('http://127.0.0.1:9000/readyz').catch(() => undefined))?.ok) {
      assert.ok(service.exitCode === null && Date.now() < deadline, output);
      await pause(50);
    }
  }

  async function stop() {
    if (!service) return;
    const ended = new Promise((resolve) => service.on('exit', resolve));
    service.kill();
    await ended;
    service = undefined;
  }

  test('PostgreSQL: the roles have the rights that they need, and no others', async () => {
    await run('PostgreSQL');
    const [one, two, backup] = [
      urlOf('auth_graph_1', passwords.PASSWORD_1),
      urlOf('auth_graph_2', passwords.PASSWORD_2),
      urlOf('auth_graph_backup', passwords.BACKUP_PASSWORD),
    ];
    assert.equal(psql(one, 'CREATE TABLE tried ()').status, 0);
    assert.equal(psql(two, 'DROP TABLE tried').status, 0, 'both act as the owner');
    for (const url of [one, two, backup]) {
      assert.match(psql(url, 'CREATE ROLE another').stderr, /permission denied/);
      assert.match(psql(url, 'CREATE DATABASE another').stderr, /permission denied/);
    }
    assert.match(psql(backup, 'CREATE TABLE tried ()').stderr, /permission denied/);
  });

  test('the configuration has no warnings, the database is migrated, and a mail arrives', async () => {
    const printed = await run('The configuration');
    assert.match(printed, /migrations were run/);
    assert.match(await mail.next(), /From: .*no-reply@example\.com/);
  });

  test('the first administrator is created once', async () => {
    await run('The first administrator');
    await run('The first administrator');
  });

  test('a replica serves with these rights, and its probes answer', async () => {
    await start();
    await run('Probes');
    assert.ok((await login('http://127.0.0.1:8000', admin)).accessToken);
    const partitions = "SELECT count(*) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhparent WHERE relname = 'login_events'";
    const url = urlOf('auth_graph_backup', passwords.BACKUP_PASSWORD);
    const deadline = Date.now() + patience;
    // Housekeeping prepares the partitions of two months.
    while (Number(psql(url, partitions).stdout) < 4) {
      assert.ok(Date.now() < deadline, psql(url, partitions).stdout);
      await pause(100);
    }
    const lines = output.split('\n').filter(Boolean).map((line) => JSON.parse(line));
    assert.deepEqual(lines.filter(({ level }) => level === 'ERROR' || level === 'WARN'), []);
    assert.ok(lines.some(({ message }) => message === 'answered'), 'log.requests has an effect');
    assert.match(psql(url, 'DELETE FROM users').stderr, /permission denied/);
  });

  test('an upgrade, and the way back', async () => {
    await run('Upgrades');
    await stop();
    assert.match(await run('Upgrades', 1), /was reverted[\s\S]*was run/);
  });

  test('a lost database is restored, with its users', async () => {
    assert.match(await run('Disaster drills'), /admin@example\.com/);
    env.AUTH_GRAPH_DATABASE__URL_FILE = '/run/secrets/restored_database';
    await start();
    assert.ok((await login('http://127.0.0.1:8000', admin)).accessToken);
    await stop();
  });

  test('every command of the guide was run, and those of engines that do not run here name what exists', () => {
    const all = [...guide.matchAll(/\n```sh\n([\s\S]*?)```/g)].map(([, command]) => command);
    assert.deepEqual([...new Set(seen)].sort(), all.sort());
    const others = [...guide.matchAll(/\n```console\n([\s\S]*?)```/g)].map(([, commands]) => commands).join('');
    const stages = readFileSync(join(root, 'deploy', 'Dockerfile'), 'utf8');
    for (const [path] of others.matchAll(/deploy\/[\w./-]+/g)) {
      assert.ok(existsSync(join(root, path)) || path === 'deploy/.env', path);
    }
    for (const [, stage] of others.matchAll(/--target (\S+)/g)) assert.ok(stages.includes(` AS ${stage}\n`), stage);
  });

  test('helm accepts the values of the guide', () => {
    const [values] = codeIn('Install', 'yaml');
    writeFileSync(join(folder, 'values.yaml'), values);
    const args = ['template', 'auth-graph', join(root, 'deploy/helm/auth-graph'), '--values', join(folder, 'values.yaml')];
    const { status, stderr, stdout } = spawnSync(join(tools, 'helm'), args, { encoding: 'utf8', env: { ...process.env, HOME: folder } });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /image: "registry\.example\.com\/auth-graph:\d/);
  });
});
