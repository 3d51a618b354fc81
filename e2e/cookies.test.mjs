// The three deployments of docs/guides/browsers.md in a real browser, over https, and foreign pages that must get no
// data.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch } from './browser.mjs';
import { startDeployment, user } from './deployment.mjs';
import { startFront } from './front.mjs';
import { patience } from './processes.mjs';

const rounds = 20;
const deployments = [
  { section: 'Same origin', page: 'www.example.com', api: 'www.example.com/graphql', cookie: '__Host-auth_graph_refresh' },
  { section: 'Same parent domain', page: 'app.example.com', api: 'auth.example.com/graphql', cookie: '__Secure-auth_graph_refresh' },
  { section: 'Behind client-graph', page: 'notes.example.com', api: 'notes.example.com/auth/graphql', cookie: '__Host-auth_graph_refresh' },
];

let folder, front, browser;
const running = [];

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'auth-graph-cookies-'));
  front = await startFront(folder);
  for (const { section, api } of deployments) {
    const deployment = await startDeployment(section, folder, front.port);
    running.push(deployment);
    front.routes[api] = deployment.urls['client-graph'] ?? deployment.urls['auth-graph'];
  }
  browser = await launch('--host-resolver-rules=MAP *.example.com 127.0.0.1, MAP evil.test 127.0.0.1');
});
after(async () => {
  await browser?.close();
  running.forEach((deployment) => deployment.stop());
  front?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

const urlOf = (api) => front.urlOf(api.split('/')[0]) + api.slice(api.indexOf('/'));

/** Lets a page send an operation with the CSRF token that its origin has stored, and returns the result for the test. */
function send(page, api, query, variables) {
  return page.evaluate(
    async ([url, query, variables]) => {
      const headers = { 'content-type': 'application/json' };
      if (localStorage.csrfToken) headers['x-csrf-token'] = localStorage.csrfToken;
      const body = JSON.stringify({ query, variables });
      const answer = await fetch(url, { method: 'POST', credentials: 'include', headers, body });
      const { data, errors } = await answer.json();
      if (data?.login?.csrfToken) localStorage.csrfToken = data.login.csrfToken;
      return { ...data, code: errors?.[0].extensions.code };
    },
    [urlOf(api), query, variables],
  );
}

const refresh = (page, api) => send(page, api, 'mutation { refresh { accessToken refreshToken } }');

async function signIn(page, api) {
  const query = `mutation($input: LoginInput!) { login(input: $input) {
    ... on TokenPair { accessToken refreshToken csrfToken } } }`;
  const { login, code } = await send(page, api, query, { input: { ...user, delivery: 'COOKIE' } });
  assert.equal(code, undefined);
  assert.ok(login.accessToken && login.csrfToken);
  assert.equal(login.refreshToken, null);
}

async function open(context, host) {
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  await page.goto(front.urlOf(host));
  return page;
}

for (const { section, page: host, api, cookie: name } of deployments) {
  test(`${section}: two tabs refresh at once, ${rounds} times, and no user is signed out`, async () => {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const [first, second] = [await open(context, host), await open(context, host)];
    await signIn(first, api);
    const kept = (await context.cookies()).filter((cookie) => cookie.name.endsWith('auth_graph_refresh'));
    assert.deepEqual(kept.map(({ name, httpOnly, secure, sameSite, path }) => [name, httpOnly, secure, sameSite, path]), [
      [name, true, true, 'Strict', '/'],
    ]);
    const values = new Set([kept[0].value]);
    for (let round = 0; round < rounds; round += 1) {
      for (const answer of await Promise.all([refresh(first, api), refresh(second, api)])) {
        assert.equal(answer.code, undefined, `round ${round}`);
        assert.ok(answer.refresh.accessToken);
        assert.equal(answer.refresh.refreshToken, null);
      }
      for (const page of [first, second]) assert.equal(await page.evaluate(() => document.cookie), '');
      values.add((await context.cookies()).find((cookie) => cookie.name === name).value);
    }
    assert.ok(values.size > rounds, `the cookie was replaced in each round, ${values.size}`);

    await second.reload();
    assert.ok((await refresh(second, api)).refresh.accessToken, 'a reload does not sign the user out');
    const token = await first.evaluate(() => localStorage.csrfToken);
    await first.evaluate(() => localStorage.removeItem('csrfToken'));
    assert.equal((await refresh(first, api)).code, 'FORBIDDEN', 'the cookie alone does not suffice');
    await first.evaluate((token) => (localStorage.csrfToken = token), token);
    const { logout } = await send(first, api, 'mutation { logout { revokedSessions } }');
    assert.equal(logout.revokedSessions, 1);
    assert.deepEqual((await context.cookies()).filter((cookie) => cookie.name === name), []);
    assert.equal((await refresh(second, api)).code, 'UNAUTHENTICATED');
    await context.close();
  });

  for (const evil of ['evil.test', 'evil.example.com']) {
    test(`${section}: a page of ${evil} can neither read nor change anything`, async () => {
      const context = await browser.newContext({ ignoreHTTPSErrors: true });
      const page = await open(context, host);
      await signIn(page, api);
      const { value } = (await context.cookies()).find((cookie) => cookie.name === name);
      const stranger = await open(context, evil);
      front.seen.length = 0;
      await assert.rejects(refresh(stranger, api), /Failed to fetch/);
      assert.deepEqual(front.seen.map(({ method, cookie }) => [method, cookie]), [['OPTIONS', '']], 'only the preflight is sent');

      // A request that a form can send needs no preflight. The page cannot read the response.
      front.seen.length = 0;
      await stranger.evaluate(
        (url) =>
          fetch(url, { method: 'POST', credentials: 'include', mode: 'no-cors', body: '{"query":"mutation{logout{revokedSessions}}"}' }),
        urlOf(api),
      );
      const [forged] = front.seen;
      assert.equal(forged.origin, front.urlOf(evil));
      assert.equal(forged.status, 415);
      assert.deepEqual(forged.setCookie, []);
      if (evil === 'evil.test') assert.equal(forged.cookie, '', 'the cookie is not sent from another site');

      assert.equal((await context.cookies()).find((cookie) => cookie.name === name).value, value);
      assert.ok((await refresh(page, api)).refresh.accessToken);
      await context.close();
    });
  }
}
