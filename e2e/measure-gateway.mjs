// Measures the processor time of a federated query: `node e2e/measure-gateway.mjs`, after `cargo build --release`. The
// services run as in production, on SQLite. Hive Gateway checks tokens and enforces the directives.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gateways, startGateway } from './gateways.mjs';
import { ask, login } from './graphql.mjs';
import { freePort, startProgram } from './processes.mjs';
import { ours } from './subgraphs.mjs';

const query = '{ me { email notes { edges { node { text author { email } } } } } }';
const user = { email: 'ada@example.com', password: 'correct horse battery staple' };
const [requests, connections, rounds] = [1000, 8, 5];
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const binaries = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'release');
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
const folder = mkdtempSync(join(tmpdir(), 'auth-graph-measure-'));
const running = [];

async function service(name, settings) {
  const url = `http://127.0.0.1:${await freePort()}`;
  const all = { data_dir: join(folder, name), 'server.bind': new URL(url).host, 'log.filter': 'warn', ...settings };
  const flags = Object.entries(all).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  const binary = join(binaries, name);
  if (name === 'auth-graph') execFileSync(binary, [...flags, 'user', 'create', user.email], { input: `${user.password}\n` });
  running.push(await startProgram(binary, [...flags, 'serve'], `${url}/readyz`, { cwd: folder }));
  return url;
}

/** Returns the processor time of a process and its children, in seconds. */
function used(pid) {
  const [, , ...fields] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(/\) | /);
  const own = (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  );
  return children.reduce((sum, child) => sum + used(child), own);
}

async function round(url, token, wanted) {
  let left = wanted;
  const connection = async () => {
    while (left-- > 0) await ask(url, query, { token });
  };
  await Promise.all(Array.from({ length: connections }, connection));
}

try {
  process.env.AUTH_URL = await service('auth-graph', {});
  process.env.CLIENT_URL = await service('client-graph', { 'auth.url': process.env.AUTH_URL });
  const hive = gateways.find(({ checks }) => checks);
  running.push(await startGateway(hive, await ours(hive), folder));
  const { accessToken } = await login(process.env.AUTH_URL, user);
  const note = 'mutation { addNote(input: { text: "A note" }) { note { id } } }';
  for (let count = 0; count < 3; count += 1) await ask(process.env.CLIENT_URL, note, { token: accessToken });

  const url = running[2].url;
  await round(url, accessToken, requests);
  const costs = [];
  for (let count = 0; count < rounds; count += 1) {
    const before = running.map(({ pid }) => used(pid));
    await round(url, accessToken, requests);
    costs.push(running.map(({ pid }, index) => ((used(pid) - before[index]) * 1000) / requests));
  }
  const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)].toFixed(2);
  const each = (index) => median(costs.map((cost) => cost[index]));
  console.log(`auth-graph      ${each(0)} ms of processor time for each query`);
  console.log(`client-graph    ${each(1)} ms`);
  console.log(`both            ${median(costs.map(([auth, client]) => auth + client))} ms`);
  console.log(`${hive.name}    ${each(2)} ms`);
  console.log(`medians of ${rounds} rounds of ${requests} queries over ${connections} connections`);
} finally {
  running.forEach((program) => program.stop());
  rmSync(folder, { recursive: true, force: true });
}
