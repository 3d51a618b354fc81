// A browser that records forbidden actions of pages: violations of the policy, requests to other origins, and console
// errors.
import { chromium } from 'playwright-core';
import { patience } from './processes.mjs';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

export function launch(...further) {
  return chromium.launch({
    executablePath,
    timeout: patience,
    args: [
      '--no-sandbox',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      ...further,
    ],
  });
}

/** Opens a page in its own context, with a list of its problems. */
export async function openPage(browser, url) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  const wrong = [];
  const origin = new URL(url).origin;
  const check = (what, address) => {
    const asked = new URL(address);
    if (['data:', 'blob:'].includes(asked.protocol)) return;
    if (asked.origin.replace(/^ws/, 'http') !== origin) wrong.push(`${what} ${address}`);
  };
  page.on('request', (request) => check('request', request.url()));
  page.on('websocket', (socket) => check('websocket', socket.url()));
  page.on('requestfailed', (request) => wrong.push(`failed ${request.url()} ${request.failure()?.errorText}`));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) wrong.push(`${message.type()} ${message.text()}`);
  });
  page.on('pageerror', (error) => wrong.push(`exception ${error.message}`));
  await page.exposeFunction('reportViolation', (violation) => wrong.push(`policy ${violation}`));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      window.reportViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
    });
  });
  await page.goto(url);
  return { page, wrong };
}

let runs = 0;

/** Runs a query or a mutation in a new tab, and waits for a response that contains the text. */
export async function run(page, kind, selection, expected) {
  const name = `Check${++runs}`;
  const openTab = page.locator('.graphiql-tab-active');
  await page.getByLabel('New tab').click();
  await openTab.filter({ hasText: '<untitled>' }).waitFor();
  await page.locator('.graphiql-query-editor .CodeMirror').click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(`${kind} ${name} ${selection}`);
  // GraphiQL reads the typed text a little later. It has read the text when the tab has the name of the operation.
  await openTab.filter({ hasText: name }).waitFor();
  await page.locator('.graphiql-execute-button').click();
  await page.locator('.result-window', { hasText: expected }).waitFor();
}

/** Saves a screenshot of the page, if the environment requests it. */
export async function screenshot(page, name) {
  if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png` });
}
