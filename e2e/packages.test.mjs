// The Debian packages on a bare Debian: they are installed, their units are started, and the commands of the README work.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { binary } from './auth-graph.mjs';
import { login } from './graphql.mjs';
import { bareMachine, startUnit } from './machine.mjs';
import { inNamespaces } from './namespaces.mjs';
import { startPostgres } from './postgres.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const names = ['auth-graph', 'client-graph'];
const [authUser, clientUser] = ['61184', '61185'];
const urls = { auth: 'http://127.0.0.1:8000', client: 'http://127.0.0.1:8001' };
const user = { email: 'user@test.com', password: 'correct horse battery staple' };
const systemd = join(root, 'deploy', 'systemd');

inNamespaces(import.meta.url, [], (folder) => {
  for (const name of names) {
    test(`the unit of ${name} is sound, and exposes little`, () => {
      const unit = join(systemd, `${name}.service`);
      const analyze = (...args) => spawnSync('systemd-analyze', [...args, unit], { encoding: 'utf8' });
      const { stdout, stderr } = analyze('security', '--offline=true');
      const level = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
      assert.ok(level <= 1.5, `${level} ${stderr}`);
      // The program is not installed on this machine.
      const lines = analyze('verify').stderr.split('\n').filter((line) => line.includes(name) && !line.includes('is not executable'));
      assert.deepEqual(lines, []);
    });
  }

  let machine;
  let packages;
  const install = (...options) => machine.run(['dpkg', ...options, ...packages.map((file) => `/root/${file}`)]);

  before(() => {
    const made = join(folder, 'packages');
    execFileSync(join(root, 'scripts', 'package-deb'), [dirname(binary('auth-graph')), made], { stdio: 'pipe' });
    machine = bareMachine(join(folder, 'machine'));
    cpSync(made, join(machine.tree, 'root'), { recursive: true });
    packages = readdirSync(made).sort();
    assert.equal(packages.length, 2);
  });

  test('the packages are installed, with what they need, and start nothing', () => {
    const { status, stdout, stderr } = install('--install');
    assert.equal(status, 0, stdout + stderr);
    for (const name of names) {
      const state = machine.run(['dpkg-query', '--show', '--showformat=${Status}', name]).stdout;
      assert.equal(state, 'install ok installed');
      assert.equal(machine.run([name, 'config', 'check'], { env: environmentOf(name) }).status, 0);
      assert.ok(existsSync(join(machine.tree, 'usr/share/doc', name, 'production.md')));
      const verified = spawnSync('systemd-analyze', ['verify', `--root=${machine.tree}`, `${name}.service`], { encoding: 'utf8' });
      assert.ok(!verified.stderr.includes('is not executable'), verified.stderr);
    }
  });

  const environmentOf = (name) => ({ [`${name.toUpperCase().replace('-', '_')}_CONFIG`]: `/etc/${name}/${name}.toml` });

  /** Puts a program of this machine in place of systemctl, which tells the process of the unit. */
  function systemctl(pid) {
    const file = join(machine.tree, 'usr/local/bin/systemctl');
    writeFileSync(file, `#!/bin/sh\necho ${pid}\n`);
    chmodSync(file, 0o755);
  }

  test('the units serve, an administrator creates a user, and the commands of the README work', async (context) => {
    const configuration = join(machine.tree, 'etc/auth-graph/auth-graph.toml');
    writeFileSync(configuration, `${readFileSync(configuration, 'utf8')}\n[rest]\nenabled = true\n`);
    const auth = await startUnit(machine, 'auth-graph', authUser, `${urls.auth}/readyz`);
    context.after(() => auth.stop());
    systemctl(0);
    assert.match(machine.run(['auth-graph-admin', 'user', 'list']).stderr, /systemctl start auth-graph/);
    systemctl(auth.pid);
    const made = machine.run(['auth-graph-admin', 'user', 'create', user.email], { input: `${user.password}\n` });
    assert.equal(made.status, 0, made.stdout + made.stderr);
    const database = statSync(join(machine.tree, 'var/lib/private/auth-graph/auth-graph.sqlite-wal'));
    assert.equal(database.uid, Number(authUser), 'the command left no files of root');
    const client = await startUnit(machine, 'client-graph', clientUser, `${urls.client}/readyz`);
    context.after(() => client.stop());

    const readme = readFileSync(join(root, 'README.md'), 'utf8').replaceAll('user-pass', user.password);
    const commands = [...readme.matchAll(/\n```sh\n([\s\S]*?)```/g)].map(([, command]) => command);
    const curls = commands.filter((command) => command.includes('curl'));
    assert.ok(curls.length >= 6);
    const output = execFileSync('bash', ['-euc', curls.join('\necho\n')], { encoding: 'utf8' });
    for (const expected of ['"success"', '"whoami"', '"addNote"', '"active":true', '"refresh":"agr_']) {
      assert.ok(output.includes(expected), `${expected}: ${output}${auth.output()}${client.output()}`);
    }
    assert.equal(await auth.stop(), 0, 'systemd stops it with the same signal');
    assert.equal(await client.stop(), 0);
  });

  test('an upgrade and a removal keep the configuration and the data', () => {
    const configuration = join(machine.tree, 'etc/auth-graph/auth-graph.toml');
    const edited = readFileSync(configuration, 'utf8');
    assert.equal(install('--install').status, 0);
    assert.equal(readFileSync(configuration, 'utf8'), edited);
    assert.equal(machine.run(['dpkg', '--purge', ...names]).status, 0);
    assert.ok(!existsSync(join(machine.tree, 'usr/bin/auth-graph')) && !existsSync(configuration));
    assert.ok(existsSync(join(machine.tree, 'var/lib/private/auth-graph/auth-graph.sqlite')));
    assert.equal(install('--install').status, 0);
  });

  test('secrets come from files of root, as credentials, and the database is PostgreSQL', async (context) => {
    const secrets = join(machine.tree, 'etc/auth-graph/secrets');
    mkdirSync(secrets, { mode: 0o700 });
    const password = join(folder, 'password');
    writeFileSync(password, 'postgres-pass\n');
    const server = startPostgres(join(folder, 'postgres'), 5432, password);
    context.after(() => server.stop());
    writeFileSync(join(secrets, 'secret'), execFileSync('openssl', ['rand', '-base64', '32']), { mode: 0o600 });
    writeFileSync(join(secrets, 'database_url'), 'postgres://postgres:postgres-pass@127.0.0.1/postgres\n', { mode: 0o600 });
    writeFileSync(join(secrets, 'smtp_url'), 'smtps://user:password@mail.example.com\n', { mode: 0o600 });
    writeFileSync(join(machine.tree, 'etc/auth-graph/auth-graph.toml'), 'profile = "production"\nmail.from = "a <a@example.com>"\n');
    const dropIn = join(machine.tree, 'etc/systemd/system/auth-graph.service.d');
    mkdirSync(dropIn, { recursive: true });
    copyFileSync(join(machine.tree, 'usr/share/doc/auth-graph/examples/secrets.conf'), join(dropIn, 'secrets.conf'));
    const auth = await startUnit(machine, 'auth-graph', authUser, `${urls.auth}/readyz`);
    context.after(() => auth.stop());
    systemctl(auth.pid);
    const made = machine.run(['auth-graph-admin', 'user', 'create', user.email], { input: `${user.password}\n` });
    assert.equal(made.status, 0, made.stdout + made.stderr);
    assert.ok((await login(urls.auth, user)).accessToken);
    assert.equal(await auth.stop(), 0);
    const client = readFileSync(join(systemd, 'client-graph-secrets.conf'), 'utf8');
    for (const key of ['SECRET', 'DATABASE__URL', 'AUTH__CLIENT_SECRET']) assert.ok(client.includes(`CLIENT_GRAPH_${key}_FILE=%d/`));
  });
});
