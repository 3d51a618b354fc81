// A browser whose pages tell what they must not do: break the policy, ask another origin, complain in the console.
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

/** A page in a context of its own, with the list of what was wrong on it. */
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

/** Run a query or a mutation in a tab of its own, and wait for an answer that contains the text. */
export async function run(page, kind, selection, expected) {
  const name = `Check${++runs}`;
  const openTab = page.locator('.graphiql-tab-active');
  await page.getByLabel('New tab').click();
  await openTab.filter({ hasText: '<untitled>' }).waitFor();
  await page.locator('.graphiql-query-editor .CodeMirror').click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(`${kind} ${name} ${selection}`);
  // GraphiQL reads what was typed a little later. It has done so when the tab is named after the operation.
  await openTab.filter({ hasText: name }).waitFor();
  await page.locator('.graphiql-execute-button').click();
  await page.locator('.result-window', { hasText: expected }).waitFor();
}

/** Save what the page looks like, where somebody asked for it. */
export async function screenshot(page, name) {
  if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png` });
}
