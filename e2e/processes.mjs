// Programs that tests start: on free ports, awaited until they answer, and ended with the tests.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';

/** When what a test waits for does not come any more: much longer than a machine needs that does other things as well. */
export const patience = 180_000;

// Below the ports that a system gives to whoever asks for any: one of them could be given away before it is taken here.
// Each process of tests begins elsewhere.
let port = 11_000 + ((process.pid * 50) % 20_000);

const isFree = (port) =>
  new Promise((resolve) => {
    const server = createServer().on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/** A port that nobody listens on. */
export async function freePort() {
  do port += 1;
  while (!(await isFree(port)));
  return port;
}

/** Start a program, and wait until `url` answers with a status below 500. What it has said is told when it does not. */
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
