// The pages that links in mails open, in a real browser, on an auth-graph that executes only trusted documents.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { binary, send, startAuthGraph, user } from './auth-graph.mjs';
import { launch, openPage, screenshot } from './browser.mjs';

const operation = (name) => readFileSync(new URL(`../schema/operations/${name}.graphql`, import.meta.url), 'utf8');
const signInUrl = 'http://localhost:5173/sign-in';
const settings = [
  'accounts.registration=open',
  `accounts.sign_in_url=${signInUrl}`,
  'graphql.allowed_documents=trusted',
  "mail.service_name=Ada's Shop",
];
const newPassword = 'four unrelated words here';

let folder, auth, browser;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'account-pages-'));
  auth = await startAuthGraph(folder, settings);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await auth?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const signIn = (email, password) => send(auth.url, operation('login'), { input: { email, password } });
const mailed = async (page) => (await auth.printed(new RegExp(`http\\S+/${page}#token=\\S+`)))[0];
const press = (page, name) => page.getByRole('button', { name }).click();

const leadsToSignIn = async (page) =>
  assert.equal(await page.getByRole('link', { name: 'Sign in' }).getAttribute('href'), signInUrl);

/** Saves pictures for people: light and dark, wide and narrow. */
async function pictures(page, name) {
  for (const [colorScheme, width] of [['light', 1280], ['dark', 1280], ['light', 320], ['dark', 320]]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    await screenshot(page, `${name}-${colorScheme}-${width}`);
    const overflows = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    assert.ok(!overflows, `${name} is wider than ${width}`);
  }
}

async function open(link) {
  const opened = await openPage(browser, link);
  await opened.page.getByRole('button').waitFor();
  assert.equal(opened.page.url(), link.split('#')[0], 'the token is removed from the address');
  return opened;
}

test('an address is confirmed by pressing the button, and not by opening the link', async () => {
  await send(auth.url, operation('register'), { input: user });
  const link = await mailed('verify-email');
  await (await open(link)).page.context().close();
  await assert.rejects(signIn(user.email, user.password), /INVALID_CREDENTIALS/);

  const { page, wrong } = await open(link);
  assert.equal(await page.title(), "Confirm your e-mail address · Ada's Shop");
  await page.getByText(`Does ${user.email} belong to you?`).waitFor();
  await pictures(page, 'verify-email');
  await page.getByLabel('Password').fill('not the password');
  await press(page, 'Confirm address');
  await page.getByText('The password is wrong').waitFor();
  await page.getByLabel('Password').fill(user.password);
  await press(page, 'Confirm address');
  await page.getByText(`${user.email} is confirmed`).waitFor();
  await leadsToSignIn(page);
  await pictures(page, 'verify-email-done');
  await signIn(user.email, user.password);

  // The same link is opened again in the same tab. Only the part after the # changes.
  await page.goto(link);
  await page.getByText('was already used').waitFor();
  assert.equal(await page.getByRole('button').count(), 0);
  await leadsToSignIn(page);
  await pictures(page, 'verify-email-used');
  assert.deepEqual(wrong, []);
  await page.context().close();
});

test('a weak password is rejected, and a strong one is set', async () => {
  await send(auth.url, operation('request_password_reset'), { email: user.email });
  const { page, wrong } = await open(await mailed('reset-password'));
  const username = page.locator('input[autocomplete=username]');
  assert.deepEqual([await username.inputValue(), await username.isEditable()], [user.email, false]);
  assert.match(await page.locator('#newPassword').evaluate((input) => input.labels[0].textContent), /^New password$/);
  await page.getByLabel('New password').fill('password1');
  await press(page, 'Set password');
  await page.getByRole('alert').filter({ hasText: 'New password is too easy to guess' }).waitFor();
  await pictures(page, 'reset-password');
  await page.getByLabel('New password').fill(newPassword);
  await press(page, 'Set password');
  await page.getByText('Your password was changed').waitFor();
  assert.equal(await page.locator('#problem').textContent(), '');
  await leadsToSignIn(page);
  await signIn(user.email, newPassword);
  assert.deepEqual(wrong, []);
  await page.context().close();
});

test('a link that was used leads to a new one', async () => {
  await send(auth.url, operation('request_password_reset'), { email: user.email });
  const link = await mailed('reset-password');
  const opened = await open(link);
  const token = link.split('#token=')[1];
  await send(auth.url, operation('reset_password'), { input: { token, newPassword } });
  // The link is used elsewhere while this page is open.
  await opened.page.getByLabel('New password').fill(newPassword);
  await press(opened.page, 'Set password');
  await opened.page.getByText('was already used').waitFor();
  await opened.page.context().close();

  const { page, wrong } = await open(link);
  await page.getByText('was already used').waitFor();
  assert.equal(await page.getByLabel('New password').count(), 0);
  await pictures(page, 'reset-password-used');
  await page.getByLabel('E-mail address').fill(user.email);
  await press(page, 'Send link');
  await page.getByText(`If ${user.email} has an account`).waitFor();
  const next = await open(await mailed('reset-password'));
  await next.page.getByLabel('New password').waitFor();
  assert.deepEqual([...wrong, ...next.wrong], []);
  await page.context().close();
  await next.page.context().close();
});

test('an invited person creates their account', async () => {
  const email = 'eve@example.com';
  const flags = [`data_dir=${folder}`, ...settings].flatMap((setting) => ['--set', setting]);
  execFileSync(binary('auth-graph'), [...flags, 'user', 'invite', email]);
  const { page, wrong } = await open(await mailed('register'));
  const address = page.getByLabel('E-mail address');
  assert.deepEqual([await address.inputValue(), await address.isEditable()], [email, false]);
  await page.getByLabel('First name').fill('Eve');
  await page.getByLabel('Password').fill(newPassword);
  await pictures(page, 'register');
  await press(page, 'Create account');
  await page.getByText('Your account was created').waitFor();
  const { user } = (await signIn(email, newPassword)).login;
  assert.deepEqual([user.firstName, user.emailVerified], ['Eve', true]);
  assert.deepEqual(wrong, []);
  await page.context().close();
});

test('a page is in a language of its reader', async () => {
  const context = await browser.newContext({ locale: 'de-AT' });
  const page = await context.newPage();
  await page.goto(`${auth.url}/reset-password`);
  await page.getByRole('heading', { name: 'Passwort vergessen?' }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'de');
  await context.close();
});

test('without a token a page says what is missing', async () => {
  const { page, wrong } = await openPage(browser, `${auth.url}/verify-email`);
  await page.getByText('Please open this page from the link in your e-mail').waitFor();
  assert.equal(await page.getByRole('button').count(), 0);
  assert.deepEqual(wrong, []);
  await page.context().close();
});

test('a forgotten password is replaced and an account is created without leaving the pages', async () => {
  const { page, wrong } = await open(`${auth.url}/reset-password`);
  await page.getByLabel('E-mail address').fill('nobody@example.com');
  await pictures(page, 'forgotten-password');
  await press(page, 'Send link');
  await page.getByText('If nobody@example.com has an account').waitFor();

  await page.goto(`${auth.url}/register`);
  await page.getByLabel('E-mail address').fill('joan@example.com');
  await page.getByLabel('Password').fill(newPassword);
  await press(page, 'Create account');
  await page.getByText('We sent a mail to joan@example.com').waitFor();
  await page.goto(await mailed('verify-email'));
  await page.getByLabel('Password').fill(newPassword);
  await press(page, 'Confirm address');
  await page.getByText('joan@example.com is confirmed').waitFor();
  await signIn('joan@example.com', newPassword);
  assert.deepEqual(wrong, []);
  await page.context().close();
});
