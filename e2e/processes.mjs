// Programs that tests start on free ports. A test waits until they answer, and they end with the test.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';

/** Time limit for waiting. It is much longer than a busy machine needs. */
export const patience = 180_000;

// These ports are below the ephemeral range, so that the system does not assign one before it is used here. Each test
// process begins at another port.
let port = 11_000 + ((process.pid * 50) % 20_000);

const isFree = (port) =>
  new Promise((resolve) => {
    const server = createServer().on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/** Returns an unused port. */
export async function freePort() {
  do port += 1;
  while (!(await isFree(port)));
  return port;
}

/** Starts a program, and waits until `url` answers with a status below 500. The error contains the output of the program. */
export async function startProgram(command, args, url, options = {}) {
  let output = '';
  let ended = false;
  const program = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  for (const stream of [program.stdout, program.stderr]) stream.on('data', (chunk) => (output += chunk));
  program.on('error', (error) => ((output += error.message), (ended = true)));
  const exited = new Promise((resolve) => program.on('exit', resolve)).then(() => (ended = true));
  const deadline = Date.now() + patience;
  while (!ended && Date.now() < deadline) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer && answer.status < 500) {
      return { url, pid: program.pid, stop: () => program.kill(), ended: exited, output: () => output };
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  program.kill();
  throw new Error(`${command} ${args.join(' ')} does not answer at ${url}:\n${output}`);
}
