// Programs that tests start: on free ports, awaited until they answer, and ended with the tests.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';

const patience = 60_000;

/** A port that nobody listens on. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
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
