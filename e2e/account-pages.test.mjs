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
const settings = ['accounts.registration=open', 'graphql.allowed_documents=trusted'];
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
  await screenshot(page, 'verify-email');
  await press(page, 'Confirm');
  await page.getByText(`${user.email} is confirmed`).waitFor();
  await signIn(user.email, user.password);

  // The same link is opened again in the same tab. Only the part after the # changes.
  await page.goto(link);
  await press(page, 'Confirm');
  await page.getByRole('alert').filter({ hasText: 'was used before' }).waitFor();
  assert.deepEqual(wrong, []);
  await page.context().close();
});

test('a weak password is rejected, and a strong one is set', async () => {
  await send(auth.url, operation('request_password_reset'), { email: user.email });
  const { page, wrong } = await open(await mailed('reset-password'));
  await page.getByLabel('New password').fill('password1');
  await press(page, 'Set the password');
  await page.getByRole('alert').filter({ hasText: 'New password is too easy to guess' }).waitFor();
  await screenshot(page, 'reset-password');
  await page.getByLabel('New password').fill(newPassword);
  await press(page, 'Set the password');
  await page.getByText('Your password was set').waitFor();
  assert.equal(await page.getByRole('alert').textContent(), '');
  await signIn(user.email, newPassword);
  assert.deepEqual(wrong, []);
  await page.context().close();
});

test('an invited person creates their account', async () => {
  const email = 'eve@example.com';
  const flags = [`data_dir=${folder}`, ...settings].flatMap((setting) => ['--set', setting]);
  execFileSync(binary('auth-graph'), [...flags, 'user', 'invite', email]);
  const { page, wrong } = await open(await mailed('register'));
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('First name').fill('Eve');
  await page.getByLabel('Password').fill(newPassword);
  await screenshot(page, 'register');
  await press(page, 'Create the account');
  await page.getByText('Your account was created').waitFor();
  const { user } = (await signIn(email, newPassword)).login;
  assert.deepEqual([user.firstName, user.emailVerified], ['Eve', true]);
  assert.deepEqual(wrong, []);
  await page.context().close();
});

test('without a token a page says what is missing', async () => {
  const { page, wrong } = await openPage(browser, `${auth.url}/reset-password`);
  await page.getByText('Open this page with the link in your mail').waitFor();
  assert.equal(await page.getByRole('button').count(), 0);
  assert.deepEqual(wrong, []);
  await page.context().close();
});
