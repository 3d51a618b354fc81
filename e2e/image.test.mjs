// The images of deploy/Dockerfile and the files for compose, without a registry and a container engine.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { containerOf, readCompose, readEnvironment, up } from './compose.mjs';
import { buildImage, deploy, runInImage, startContainer } from './containers.mjs';
import { ask, login } from './graphql.mjs';
import { startMailServer } from './mails.mjs';
import { inNamespaces } from './namespaces.mjs';
import { startPostgres } from './postgres.mjs';
import { startProgram } from './processes.mjs';

const names = ['auth-graph', 'client-graph'];
const password = 'correct horse battery staple';
const ada = { email: 'ada@example.com', password };

inNamespaces(import.meta.url, [...names, 'postgres', 'mail'], (folder) => {
  const images = {};

  before(() => {
    for (const name of names) images[name] = buildImage(name, folder);
  });

  /** Returns the files of a folder, with those below it. */
  function filesIn(tree) {
    const entries = readdirSync(tree, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  }

  for (const name of names) {
    test(`the image of ${name} has one program and no shell, and its user is not root`, () => {
      const { config, tree } = images[name];
      assert.equal(config.User, '65532:65532');
      assert.deepEqual([config.Entrypoint, config.Cmd], [[name], ['serve']]);
      assert.deepEqual(config.Healthcheck.Test, ['CMD', name, 'health']);
      const files = filesIn(tree).map((file) => file.slice(tree.length));
      assert.deepEqual(files.filter((file) => file.startsWith('/usr/bin/')), [`/usr/bin/${name}`]);
      const others = files.filter((file) => !/^\/(etc|usr\/bin)\/|\/(ld-linux[\w-]*|lib[a-z_]+)\.so\.\d+$/.test(file));
      assert.deepEqual(others, [], 'the rest are libraries');
      assert.ok(statSync(join(tree, 'etc/ssl/certs/ca-certificates.crt')).size > 100_000);
      const { stdout, status, stderr } = runInImage(images[name], [name, '--version']);
      assert.equal(status, 0, stderr);
      assert.match(stdout, /^\S+ \d+\.\d+\.\d+/);
    });
  }

  test('the stage that compiles, which does not run here, has a command that cargo accepts', () => {
    const file = readFileSync(join(deploy, 'Dockerfile'), 'utf8');
    const manifest = readFileSync(join(deploy, '..', 'Cargo.toml'), 'utf8');
    assert.ok(file.includes(`/rust:${/rust-version = "(.*)"/.exec(manifest)[1]}-`), 'it has the oldest version that is supported');
    const [, packages] = /cargo build --locked --release (.*?) \\\n/.exec(file);
    execFileSync('cargo', ['tree', '--locked', '--depth', '0', ...packages.split(' ')], { cwd: deploy, stdio: 'pipe' });
  });

  test('compose.sqlite.yaml: a user is created and signs in, and the data outlives the container', async () => {
    const image = images['auth-graph'];
    const compose = readCompose('compose.sqlite.yaml');
    const container = containerOf(compose.services['auth-graph'], image, join(folder, 'sqlite'));
    const readme = readFileSync(join(deploy, '..', 'README.md'), 'utf8');
    const [command] = /docker run[^$]*?\n(?=[$`])/.exec(readme);
    const variables = [...command.matchAll(/--env (\w+)=(\S+)/g)].map(([, name, value]) => [name, value]);
    assert.deepEqual(Object.fromEntries(variables), container.environment, 'the README runs the same');
    assert.ok(command.includes('--read-only') && command.includes(`--volume auth-graph:${Object.keys(container.mounts)[0]}`));
    let service = await startContainer(image, container);
    const create = ['auth-graph', 'user', 'create', ada.email, '--superuser', '--if-missing'];
    const created = runInImage(image, create, { ...container, input: `${password}\n` });
    assert.equal(created.status, 0, created.stderr);
    const url = 'http://127.0.0.1:8000';
    assert.ok((await login(url, ada)).accessToken);
    assert.equal((await fetch(`${url}/metrics`)).status, 404, 'the public port has no metrics');
    assert.match(await (await fetch('http://127.0.0.1:9000/metrics')).text(), /auth_graph_logins_total\{result="granted"\} 1/);
    assert.equal((await fetch(url)).status, 404, 'there is no playground in production');
    assert.equal(await service.stop(), 0);
    assert.notEqual(service.check().status, 0, 'the health check notices the end');
    service = await startContainer(image, container);
    assert.ok((await login(url, ada)).accessToken);
    await service.stop();
  });

  test('the tree is read-only: without a volume that it can write, the service says what is wrong', () => {
    const environment = { AUTH_GRAPH_SERVER__PUBLIC_URL: 'https://auth.example.com', AUTH_GRAPH_DATA_DIR: '/data' };
    const { status, stderr } = runInImage(images['auth-graph'], ['auth-graph', 'migrate'], { environment });
    assert.equal(status, 1);
    assert.match(stderr, /\/data.*Read-only file system/);
  });

  test('compose.yaml: one graph behind the gateway, with mails, on PostgreSQL', async (context) => {
    const secrets = join(folder, 'secrets');
    execFileSync(join(deploy, 'make-secrets'), [secrets]);
    const first = readFileSync(join(secrets, 'auth_graph_secret'), 'utf8');
    execFileSync(join(deploy, 'make-secrets'), [secrets]);
    assert.equal(readFileSync(join(secrets, 'auth_graph_secret'), 'utf8'), first, 'secrets are kept');
    assert.equal(statSync(secrets).mode & 0o777, 0o700);

    const variables = readEnvironment(join(deploy, '.env.example'));
    const compose = readCompose('compose.yaml', variables);
    for (const [name, { file }] of Object.entries(compose.secrets)) {
      assert.equal(file, `secrets/${name}`);
      assert.ok(readdirSync(secrets).includes(name), `make-secrets makes ${name}`);
    }
    const replaced = {
      postgres: async (service) => {
        // The image mounts the secrets and runs the files in docker-entrypoint-initdb.d as its superuser.
        mkdirSync('/run/secrets', { recursive: true });
        execFileSync('mount', ['--bind', secrets, '/run/secrets']);
        const server = startPostgres(join(folder, 'postgres'), 5432, join(secrets, 'postgres_password'));
        const script = service.volumes.find((mount) => mount.includes('initdb.d')).split(':')[0];
        const PGPASSWORD = readFileSync(join(secrets, 'postgres_password'), 'utf8').trim();
        const args = ['-v', 'ON_ERROR_STOP=1', '--no-psqlrc', '-h', '127.0.0.1', '-U', 'postgres', '-f', join(deploy, script)];
        execFileSync('psql', args, { env: { ...process.env, PGPASSWORD }, stdio: 'pipe' });
        return server;
      },
      gateway: async (service) => {
        const here = import.meta.dirname;
        // The gateway finds its packages beside its configuration.
        const files = Object.fromEntries(service.volumes.map((mount) => mount.split(':').slice(0, 2).reverse()));
        const config = join(here, 'node_modules', `deploy-${process.pid}.mjs`);
        copyFileSync(join(deploy, files['/gateway/gateway.config.mjs']), config);
        context.after(() => execFileSync('rm', ['-f', config]));
        const args = service.command.map((arg) => (arg.endsWith('.mjs') ? config : files[arg] ? join(deploy, files[arg]) : arg));
        const program = join(here, 'node_modules', '.bin', 'hive-gateway');
        const options = { cwd: here, env: { ...process.env, CI: 'true' } };
        return startProgram(process.execPath, [program, ...args, '--fork', '1'], 'http://127.0.0.1:4000/healthcheck', options);
      },
      mail: () => startMailServer(1025),
    };
    const started = await up(compose, images, replaced, folder, secrets);
    context.after(() => started.stop());
    assert.deepEqual([...started.completed], ['migrate', 'administrator']);

    const admin = { email: variables.ADMIN_EMAIL, password: readFileSync(join(secrets, 'admin_password'), 'utf8').trim() };
    const graph = 'http://127.0.0.1:4000';
    const { accessToken: token } = await login(graph, admin);
    const { me, whoami } = await ask(graph, '{ me { email } whoami { user { email } } }', { token });
    assert.deepEqual([me.email, whoami.user.email], [admin.email, admin.email]);
    const note = 'mutation { addNote(input: {text: "Hello"}) { note { author { email } } } }';
    assert.equal((await ask(graph, note, { token })).addNote.note.author.email, admin.email);

    await ask(graph, 'mutation($email: String!) { requestPasswordReset(email: $email) { __typename } }', { variables: { email: admin.email } });
    assert.match(await started.running.mail.next(), /Subject: /);
  });
});
