// The section "While you develop" of docs/guides/browsers.md in a real browser: a page of a development server calls
// auth-graph through the proxy of this server, and directly.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createUser, startAuthGraph, user } from './auth-graph.mjs';
import { launch } from './browser.mjs';
import { patience } from './processes.mjs';

let folder, server, port, auth, browser;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'auth-graph-develop-'));
  createUser(folder);
  // Like `server.proxy` of Vite: the headers of the page are passed on as they are.
  server = createServer((incoming, outgoing) => {
    if (incoming.url !== '/graphql') {
      outgoing.writeHead(200, { 'content-type': 'text/html' });
      outgoing.end('<!doctype html><title>A page</title><link rel="icon" href="data:,">');
      return;
    }
    const options = { method: incoming.method, headers: incoming.headers };
    const passed = request(new URL(incoming.url, auth.url), options, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(passed);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address());
  const origins = ['localhost', '127.0.0.1'].map((host) => `http://${host}:${port}`);
  auth = await startAuthGraph(folder, [`server.allowed_origins=${JSON.stringify(origins)}`]);
  browser = await launch('--host-resolver-rules=MAP localhost 127.0.0.1');
});
after(async () => {
  await browser?.close();
  await auth?.stop();
  server?.closeAllConnections();
  server?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

async function open(host) {
  const context = await browser.newContext();
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  await page.goto(`http://${host}:${port}/`);
  /** Sends an operation from the page, with a header as programs for traces add it. */
  return (url, query, variables) =>
    page.evaluate(
      async ([url, query, variables]) => {
        const headers = { 'content-type': 'application/json', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
        if (localStorage.csrfToken) headers['x-csrf-token'] = localStorage.csrfToken;
        const body = JSON.stringify({ query, variables });
        const answer = await fetch(url, { method: 'POST', credentials: 'include', headers, body });
        const { data, errors } = await answer.json();
        if (data?.login?.csrfToken) localStorage.csrfToken = data.login.csrfToken;
        return { ...data, code: errors?.[0].extensions.code };
      },
      [url, query, variables],
    );
}

const login = 'mutation($input: LoginInput!) { login(input: $input) { ... on TokenPair { csrfToken } } }';
const input = { ...user, delivery: 'COOKIE' };

for (const [way, host, urlOf] of [
  ['through the proxy of the development server', 'localhost', () => '/graphql'],
  ['from another port of the same host', '127.0.0.1', () => `${auth.url}/graphql`],
]) {
  test(`a page signs in, refreshes and signs out ${way}`, async () => {
    const send = await open(host);
    assert.ok((await send(urlOf(), login, { input })).login.csrfToken);
    const { refresh } = await send(urlOf(), 'mutation { refresh { accessToken } }');
    assert.ok(refresh.accessToken, 'the browser has kept the cookie');
    const logout = 'mutation { logout { revokedSessions } }';
    assert.equal((await send(urlOf(), logout)).logout.revokedSessions, 1);
    assert.equal((await send(urlOf(), logout)).logout.revokedSessions, 0, 'a second time, without the cookie');
  });
}

test('localhost and 127.0.0.1 are two sites', async () => {
  const send = await open('localhost');
  assert.equal((await send(`${auth.url}/graphql`, login, { input })).code, 'FORBIDDEN');
});
