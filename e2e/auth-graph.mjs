// An auth-graph for one test, on a free port and with its own data.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { patience } from './processes.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Returns the program of a service, as built for the tests. */
export const binary = (name) => join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'debug', name);

export const user = { email: 'ada@example.com', password: 'correct horse battery staple' };

/** Creates the user above. */
export function createUser(folder, ...options) {
  execFileSync(binary('auth-graph'), ['--set', `data_dir=${folder}`, 'user', 'create', user.email, ...options], {
    input: `${user.password}\n`,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
}

/** Returns the environment that sets the clock of a program back. A program started by faketime itself would survive its stop. */
function late(by) {
  const printed = execFileSync('faketime', ['-m', '-f', `-${by}`, 'env'], { encoding: 'utf8' });
  const variables = printed.split('\n').map((line) => /^(LD_PRELOAD|FAKETIME)=(.*)$/.exec(line)).filter(Boolean);
  return { ...Object.fromEntries(variables.map(([, name, value]) => [name, value])), FAKETIME_DONT_FAKE_MONOTONIC: '1' };
}

/** Starts auth-graph with its data in a folder. `behind` is the delay of its clock, in the form of faketime. */
export async function startAuthGraph(folder, settings = [], behind) {
  const args = [`data_dir=${folder}`, 'server.bind=127.0.0.1:0', ...settings].flatMap((setting) => ['--set', setting]);
  const env = behind ? { ...process.env, ...late(behind) } : process.env;
  const service = spawn(binary('auth-graph'), ['serve', ...args], { stdio: ['ignore', 'ignore', 'pipe'], env });
  const stopped = new Promise((resolve) => service.on('close', resolve));
  const stop = async () => {
    service.kill();
    await stopped;
  };
  let output = '';
  const lines = createInterface({ input: service.stderr });
  /** Waits for output that matches, after the last match. Mails are printed, because there is no mail server. */
  const printed = async (pattern) => {
    for (;;) {
      const found = pattern.exec(output);
      if (found) {
        output = output.slice(found.index + found[0].length);
        return found;
      }
      await once(lines, 'line', { signal: AbortSignal.timeout(patience) });
    }
  };
  const url = await new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`auth-graph ${why}:\n${output}`));
    const timer = setTimeout(() => fail('does not serve'), patience);
    service.on('error', (error) => fail(`could not be started (${error.message})`));
    service.on('exit', (code) => fail(`ended with ${code}`));
    lines.on('line', (line) => {
      output += `${line}\n`;
      const address = /auth-graph serves address=(\S+)/.exec(line)?.[1];
      if (!address) return;
      clearTimeout(timer);
      resolve(`http://${address}`);
    });
  }).catch((error) => {
    service.kill();
    throw error;
  });
  return { url, stop, printed };
}

/** Sends an operation. Errors in the response fail the test. */
export async function send(url, query, variables) {
  const answer = await fetch(new URL('/graphql', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await answer.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

/** Signs a user in. */
export async function login(url, input = user) {
  const document = 'mutation($input: LoginInput!) { login(input: $input) { ... on TokenPair { accessToken refreshToken user { id } } } }';
  return (await send(url, document, { input })).login;
}
