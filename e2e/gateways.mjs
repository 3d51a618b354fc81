// Gateways in front of our two services and of one that others wrote, each with its file of docs/guides/gateways.md.
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, startProgram } from './processes.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const recipe = (file) => join(here, 'gateways', file);

function hive(config) {
  return async (supergraph) => {
    const port = await freePort();
    const program = join(here, 'node_modules', '.bin', 'hive-gateway');
    const args = [program, 'supergraph', supergraph, '--config-path', recipe(config)];
    const options = { cwd: here, env: { ...process.env, CI: 'true' } };
    args.push('--host', '127.0.0.1', '--port', String(port), '--fork', '1');
    return startProgram(process.execPath, args, `http://127.0.0.1:${port}/healthcheck`, options);
  };
}

async function apollo(supergraph) {
  const port = await freePort();
  const options = { cwd: here, env: { ...process.env, PORT: String(port) } };
  return startProgram(process.execPath, [recipe('apollo.mjs'), supergraph], `http://127.0.0.1:${port}/?query={__typename}`, options);
}

/** Each gateway: whether it checks what directives demand, and whether it checks tokens. */
export const gateways = [
  { name: 'Hive Gateway', directives: true, checks: true, start: hive('hive.config.mjs') },
  { name: 'Hive Gateway that checks nothing', directives: true, checks: false, start: hive('hive.open.config.mjs') },
  { name: '@apollo/gateway', directives: false, checks: false, start: apollo },
];

/** Start a gateway on a supergraph, which is kept in the folder. */
export async function startGateway({ name, start }, supergraph, folder) {
  const file = join(folder, `${name.replace(/\W+/g, '-')}.graphql`);
  writeFileSync(file, supergraph);
  const { url, ...gateway } = await start(file);
  return { ...gateway, url: new URL(url).origin };
}
