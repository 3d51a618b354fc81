// The demo, both services with three users, as a program on free ports.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { patience } from './processes.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Names of the services. */
export const names = ['auth-graph', 'client-graph'];

/** Starts the demo on free ports, with its data in its own folder and these settings, and reads the addresses of its services. */
export async function startProduct(folder, settings = {}) {
  const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');
  const demo = spawn(join(target, 'debug', 'demo'), ['--auth-port', '0', '--client-port', '0'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...settings, NO_COLOR: '1' },
  });
  const urls = {};
  let output = '';
  await new Promise((resolve, reject) => {
    const fail = (why) => {
      clearTimeout(timer);
      reject(new Error(`the demo ${why}:\n${output}`));
    };
    const timer = setTimeout(() => fail('did not print the addresses of its services'), patience);
    demo.on('error', (error) => fail(`could not be started (${error.message})`));
    demo.on('exit', (code) => fail(`ended with ${code}`));
    const read = (chunk) => {
      output += chunk;
      for (const line of output.split('\n').slice(0, -1)) {
        const url = /https?:\/\/[\w.-]+:\d+/.exec(line)?.[0];
        const name = names.find((name) => line.includes(name));
        if (url && name) urls[name] ??= url;
      }
      if (names.every((name) => urls[name])) {
        clearTimeout(timer);
        resolve();
      }
    };
    demo.stdout.on('data', read);
    demo.stderr.on('data', read);
  }).catch((error) => {
    demo.kill();
    throw error;
  });
  return { demo, urls };
}
