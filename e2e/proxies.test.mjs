// The proxies of deploy/proxies in front of auth-graph, with the addresses and ports of their files and with a certificate
// of an authority that this test makes.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { createUser, startAuthGraph, user } from './auth-graph.mjs';
import { makeCertificate } from './certificates.mjs';
import { inNamespaces } from './namespaces.mjs';
import { patience } from './processes.mjs';
import { tools } from './tools.mjs';

const host = 'auth.example.com';
const files = join(dirname(fileURLToPath(import.meta.url)), '..', 'deploy', 'proxies');
// The proxy speaks to auth-graph from 127.0.0.1, which is trusted.
const client = '127.0.0.2';

inNamespaces(import.meta.url, [host], (folder) => {
  const tls = join(folder, 'tls');
  let ca;
  let auth;
  let token;

  /** Writes a configuration with the folders of this test, and returns its path. */
  function configured(name, paths = {}) {
    const home = join(folder, 'proxies');
    mkdirSync(home, { recursive: true });
    let text = readFileSync(join(files, name), 'utf8').replaceAll('/etc/tls', tls);
    for (const [from, to] of Object.entries(paths)) text = text.replaceAll(from, to);
    writeFileSync(join(home, name), text);
    return join(home, name);
  }

  const proxies = {
    nginx: () => ['nginx', '-e', 'stderr', '-p', folder, '-g', `daemon off; user root; pid ${folder}/nginx.pid; error_log stderr;`, '-c', configured('nginx.conf')],
    Caddy: () => ['caddy', 'run', '--adapter', 'caddyfile', '--config', configured('Caddyfile')],
    Traefik: () => {
      const dynamic = configured('traefik-auth-graph.yaml');
      return ['traefik', `--configFile=${configured('traefik.yaml', { '/etc/traefik/auth-graph.yaml': dynamic })}`];
    },
  };

  before(async () => {
    ({ ca } = makeCertificate(tls, host));
    const data = join(folder, 'auth-graph');
    createUser(data, '--superuser');
    const settings = [`server.public_url=https://${host}`, 'server.trusted_proxies=127.0.0.1', 'server.internal_bind=127.0.0.1:9000'];
    auth = await startAuthGraph(data, ['server.bind=127.0.0.1:8000', ...settings]);
  });
  after(() => auth?.stop());

  /** Sends a request through the proxy. `answer` gets the response as it arrives. */
  function send(path, { method = 'GET', headers = {}, body, answer } = {}) {
    return new Promise((resolve, reject) => {
      const options = { host, path, method, headers, ca, localAddress: client, agent: false };
      const sent = request(options, async (response) => {
        if (answer) return resolve(answer(response));
        let text = '';
        for await (const chunk of response.setEncoding('utf8')) text += chunk;
        resolve({ status: response.statusCode, headers: response.headers, text });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  /** Sends an operation through the proxy. */
  async function ask(query, variables, headers = {}) {
    const content = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
    const answer = await send('/graphql', { method: 'POST', headers: { ...content, ...headers }, body: JSON.stringify({ query, variables }) });
    return { ...answer, ...(answer.text.startsWith('{') && JSON.parse(answer.text)) };
  }

  const create = (email) => ask('mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } } }', { input: { email } });

  for (const [name, command] of Object.entries(proxies)) {
    test(`${name}: sign-in by cookie, subscriptions, the address of the client, and limits`, async (context) => {
      const [program, ...args] = command();
      const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
      const proxy = spawn(join(tools, program), args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
      const ended = new Promise((resolve) => proxy.on('exit', resolve));
      let output = '';
      for (const stream of [proxy.stdout, proxy.stderr]) stream.on('data', (chunk) => (output += chunk));
      context.after(async () => {
        proxy.kill();
        await ended;
      });
      const deadline = Date.now() + patience;
      while ((await send('/healthz').catch(() => undefined))?.status !== 200) {
        assert.ok(proxy.exitCode === null && Date.now() < deadline, output);
        await pause(50);
      }
      token = undefined;

      // The cookie, over https and with the forged header of a client.
      const login = 'mutation($input: LoginInput!) { login(input: $input) { ... on TokenPair { accessToken csrfToken } } }';
      const page = { origin: `https://${host}`, 'sec-fetch-site': 'same-origin' };
      const forged = { 'x-forwarded-for': '203.0.113.7', forwarded: 'for=203.0.113.7' };
      const signedIn = await ask(login, { input: { ...user, delivery: 'COOKIE' } }, { ...page, ...forged });
      assert.ok(signedIn.data?.login?.csrfToken, signedIn.text);
      assert.ok(signedIn.headers['strict-transport-security']);
      const [cookie] = signedIn.headers['set-cookie'];
      assert.match(cookie, /^__Host-auth_graph_refresh=.*; ?HttpOnly; ?.*Secure/i);
      token = signedIn.data.login.accessToken;
      const { data } = await ask('{ sessions { current ipAddress } }');
      assert.equal(data.sessions.find(({ current }) => current).ipAddress, client, 'the address of the client arrives');
      const refresh = { cookie: cookie.split(';')[0], 'x-csrf-token': signedIn.data.login.csrfToken, ...page };
      assert.ok((await ask('mutation { refresh { accessToken } }', {}, refresh)).data.refresh.accessToken);

      // A subscription as server-sent events: each arrives when it happens.
      const headers = { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${token}` };
      const body = JSON.stringify({ query: 'subscription { userChanges { cursor } }' });
      const stream = await send('/graphql', { method: 'POST', headers, body, answer: (response) => response });
      assert.match(stream.headers['content-type'], /^text\/event-stream/);
      const happened = (async () => {
        let text = '';
        for await (const chunk of stream.setEncoding('utf8')) if (/data: ?\{/.test((text += chunk))) return text;
      })();
      await create(`sse-${name}@example.com`);
      assert.match(await happened, /"cursor"/);
      stream.destroy();

      // And over WebSocket.
      class Socket extends WebSocket {
        constructor(address, protocols) {
          super(address, protocols, { ca, localAddress: client });
        }
      }
      const url = `wss://${host}/graphql`;
      const socket = createClient({ url, webSocketImpl: Socket, connectionParams: { Authorization: `Bearer ${token}` }, retryAttempts: 0 });
      const changes = socket.iterate({ query: 'subscription { userChanges { cursor } }' });
      const next = changes.next();
      let change;
      next.then((value) => (change = value));
      // The subscription may begin after the first change, so that changes are made until one arrives.
      for (let number = 0; !change; number += 1) {
        await create(`ws-${name}-${number}@example.com`);
        await Promise.race([next, pause(200)]);
      }
      assert.ok(change.value.data.userChanges.cursor, JSON.stringify(change));
      await changes.return();
      await socket.dispose();

      const large = await ask(`{ me { email } } # ${'x'.repeat(3_000_000)}`).catch((error) => error);
      // Those that send the body on as it comes may say 502, when auth-graph has refused it and closed the connection.
      const refusals = name === 'nginx' ? [413] : [413, 502];
      assert.ok(refusals.includes(large.status) || ['EPIPE', 'ECONNRESET'].includes(large.code), `${large.status ?? large}`);
      for (const path of ['/metrics', '/readyz']) assert.equal((await send(path)).status, 404, `${path} is not for the public`);
      assert.equal((await ask('{ me { email } }')).data.me.email, user.email);
    });
  }
});
