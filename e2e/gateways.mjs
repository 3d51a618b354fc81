// Gateways in front of our two services and of one from another team, each with its file of docs/guides/gateways.md.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, startProgram } from './processes.mjs';
import { supergraphOf } from './subgraphs.mjs';

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

/**
 * Starts Grafbase, which composes the subgraphs itself. The package contains the program for this system: `grafbase` also
 * depends on packages for other systems, which the registry does not have.
 */
async function grafbase(_, subgraphs, folder) {
  const machine = `${process.platform} on ${process.arch}`;
  if (machine !== 'linux on x64') throw new Error(`Grafbase is run here by a program for linux on x64, and this is ${machine}`);
  const port = await freePort();
  const configured = subgraphs.map(({ name, url, sdl }) => {
    const schema = join(folder, `${name}.graphql`);
    writeFileSync(schema, sdl);
    return `[subgraphs.${name}]\nurl = "${url}"\nschema_path = "${schema}"\n`;
  });
  const overrides = join(folder, 'subgraphs.toml');
  writeFileSync(overrides, configured.join('\n'));
  const args = ['dev', '--gateway-config', recipe('grafbase.toml'), '--graph-overrides', overrides, '--port', String(port)];
  const program = join(here, 'node_modules', '@grafbase', 'cli-x86_64-unknown-linux-musl', 'grafbase');
  return startProgram(program, args, `http://127.0.0.1:${port}/graphql?query={__typename}`, { cwd: folder });
}

async function apollo(supergraph) {
  const port = await freePort();
  const options = { cwd: here, env: { ...process.env, PORT: String(port) } };
  return startProgram(process.execPath, [recipe('apollo.mjs'), supergraph], `http://127.0.0.1:${port}/?query={__typename}`, options);
}

/**
 * The gateways. `directives`: accepts the directives about access. `checks`: enforces them. `subscribes`: supports
 * subscriptions. `keepsAddresses`: forwards addresses without adding the address of its client. `anonymous`: code of the
 * refusal of a caller without a token, if it is not that of the service.
 */
const checking = { directives: true, checks: true, subscribes: true, anonymous: 'UNAUTHORIZED_FIELD_OR_TYPE' };
export const gateways = [
  { name: 'Hive Gateway', ...checking, start: hive('hive.config.mjs') },
  { name: 'Hive Gateway with the planner of Hive Router', ...checking, start: hive('hive.router.config.mjs') },
  { name: 'Hive Gateway that checks nothing', directives: true, checks: false, subscribes: true, start: hive('hive.open.config.mjs') },
  { name: '@apollo/gateway', directives: false, checks: false, subscribes: false, start: apollo },
  { name: 'Grafbase', directives: false, checks: false, subscribes: true, keepsAddresses: true, start: grafbase },
];

/** Starts a gateway on the supergraph of subgraphs, which is stored in the folder. */
export async function startGateway({ name, start }, subgraphs, folder) {
  const home = join(folder, name.replace(/\W+/g, '-'));
  mkdirSync(home, { recursive: true });
  const file = join(home, 'supergraph.graphql');
  writeFileSync(file, supergraphOf(subgraphs));
  const { url, ...gateway } = await start(file, subgraphs, home);
  return { ...gateway, url: new URL(url).origin };
}
