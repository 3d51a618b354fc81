// The page of each service in a real browser. AUTH_URL and CLIENT_URL are the addresses of the services: see run.mjs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, openPage, run, screenshot } from './browser.mjs';

const services = { 'auth-graph': process.env.AUTH_URL, 'client-graph': process.env.CLIENT_URL };
const whoIsIt = { 'auth-graph': '{ me { email } }', 'client-graph': '{ whoami { user { email } } }' };
const user = { email: 'user@test.com', password: 'user-pass' };

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

async function signIn(page, { email, password }) {
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

for (const [name, url] of Object.entries(services)) {
  test(`the page of ${name} runs an operation within its policy and its origin`, async () => {
    assert.ok(url, `where is ${name}?`);
    const { page, wrong } = await openPage(browser, url);
    assert.equal(await page.title(), name);
    await page.getByText('Docs').or(page.getByLabel('Show Documentation Explorer')).first().waitFor();
    await screenshot(page, `${name}-opened`);
    await run(page, 'query', '{ __typename }', '"__typename": "Query"');
    await screenshot(page, `${name}-executed`);
    await page.getByLabel('Show Documentation Explorer').click();
    await page.locator('.graphiql-doc-explorer').getByText('Query', { exact: true }).first().waitFor();
    await screenshot(page, `${name}-documentation`);
    assert.deepEqual(wrong, []);
    await page.context().close();
  });

  test(`signing in on the page of ${name} authenticates later requests, and nothing is stored`, async () => {
    const { page, wrong } = await openPage(browser, url);
    await signIn(page, user);
    await page.getByText(`Signed in as ${user.email}`).waitFor();
    await run(page, 'query', whoIsIt[name], user.email);
    await screenshot(page, `${name}-signed-in`);
    const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
    assert.ok(!stored.includes(user.password) && !stored.includes('eyJ'), stored);
    await page.getByRole('button', { name: 'Forget the token' }).click();
    await run(page, 'query', whoIsIt[name], 'null');
    assert.deepEqual(wrong, []);
    await page.context().close();
  });

  test(`a page of ${name} uses a WebSocket with the most common client`, async () => {
    const { page, wrong } = await openPage(browser, url);
    await page.waitForFunction(() => 'graphqlWs' in globalThis);
    const answers = await page.evaluate(
      (url) =>
        new Promise((resolve, reject) => {
          const answers = [];
          const client = graphqlWs.createClient({ url, retryAttempts: 0 });
          const query = 'query($type: String!) { __type(name: $type) { name } }';
          client.subscribe(
            { query, variables: { type: 'Query' } },
            { next: (answer) => answers.push(answer), error: reject, complete: () => resolve(answers) },
          );
        }),
      new URL('/graphql', url.replace(/^http/, 'ws')).href,
    );
    assert.deepEqual(answers, [{ data: { __type: { name: 'Query' } } }]);
    assert.deepEqual(wrong, []);
    await page.context().close();
  });

  test(`a wrong password on the page of ${name} is reported`, async () => {
    const { page } = await openPage(browser, url);
    await signIn(page, { ...user, password: 'wrong' });
    await page.locator('#problem:not(:empty)').waitFor();
    assert.ok(await page.locator('#sign-in').isVisible());
    await page.context().close();
  });
}

test('the token in the response of the Login tab can be used', async () => {
  const { page, wrong } = await openPage(browser, services['auth-graph']);
  const selection = `{ login(input: { email: "${user.email}", password: "${user.password}" }) {
    ... on TokenPair { accessToken expiresIn user { email } } } }`;
  await run(page, 'mutation', selection, 'accessToken');
  await page.getByRole('button', { name: 'Use this token' }).click();
  await page.getByText(`Signed in as ${user.email}`).waitFor();
  await run(page, 'query', '{ me { email } }', user.email);
  assert.deepEqual(wrong, []);
  await page.context().close();
});
