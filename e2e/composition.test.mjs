// The common composers, on the schemas that the running services return.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { composeServices as composeApollo } from '@apollo/composition';
import { composeServices as composeGuild } from '@theguild/federation-composition';
import { parse } from 'graphql';
import { startBadges } from './badges.mjs';
import { ours } from './subgraphs.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const composers = { '@apollo/composition': composeApollo, '@theguild/federation-composition': composeGuild };

let subgraphs, badges;
before(async () => {
  subgraphs = await ours({ directives: true });
  badges = await startBadges({ directives: true });
});
after(() => badges?.stop());

function composeWith(compose, parts) {
  const { supergraphSdl, errors } = compose(parts.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) })));
  return { supergraphSdl, codes: (errors ?? []).map((error) => error.extensions.code) };
}

/** Returns our pair with one part of one schema replaced. */
function broken(name, from, to) {
  return subgraphs.map((subgraph) => {
    if (subgraph.name !== name) return subgraph;
    assert.ok(subgraph.sdl.includes(from), `${name} has ${from}`);
    return { ...subgraph, sdl: subgraph.sdl.replace(from, to) };
  });
}

for (const [name, compose] of Object.entries(composers)) {
  test(`${name} composes our pair`, () => {
    const { supergraphSdl, codes } = composeWith(compose, subgraphs);
    assert.deepEqual(codes, []);
    assert.match(supergraphSdl, /type User[^{]*@join__type\(graph: AUTH_GRAPH, key: "id"\)/);
    assert.match(supergraphSdl, /type User[^{]*@join__type\(graph: CLIENT_GRAPH, key: "id"\)/);
  });

  test(`${name} composes our pair with a subgraph in Node that extends User`, () => {
    const { supergraphSdl, codes } = composeWith(compose, [...subgraphs, badges]);
    assert.deepEqual(codes, []);
    assert.match(supergraphSdl, /badges: \[String!\]! [^\n]*@join__field\(graph: BADGES\)/);
  });

  test(`${name} reads every rule, including policies`, () => {
    const sdl = readFileSync(new URL('composition/rules.graphql', import.meta.url), 'utf8');
    const { supergraphSdl, codes } = composeWith(compose, [...subgraphs, { name: 'rules', url: 'http://127.0.0.1/graphql', sdl }]);
    assert.deepEqual(codes, []);
    const role = /^  role: Boolean!.*$/m.exec(supergraphSdl)[0];
    assert.match(role, /@join__field\(graph: RULES\)/);
    assert.match(role, /@policy\(policies: \[\["role:editor"\]\]\)/);
    assert.match(supergraphSdl, /^  both: Boolean!.*@requiresScopes.*@policy|^  both: Boolean!.*@policy.*@requiresScopes/m);
  });

  test(`${name} rejects a pair in which both services define the address of a user`, () => {
    const parts = broken('client-graph', 'type User @key(fields: "id") {', 'type User @key(fields: "id") { email: String!');
    assert.deepEqual(composeWith(compose, parts).codes, ['INVALID_FIELD_SHARING']);
  });

  test(`${name} rejects a pair whose key is not a field`, () => {
    const parts = broken('auth-graph', 'type User @key(fields: "id")', 'type User @key(fields: "uuid")');
    assert.deepEqual(composeWith(compose, parts).codes, ['KEY_INVALID_FIELDS']);
  });
}

test('Mesh composes our pair', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-'));
  try {
    const file = join(folder, 'supergraph.graphql');
    const program = join(here, 'node_modules', '.bin', 'mesh-compose');
    const args = [program, '--config-path', join('e2e', 'gateways', 'mesh.config.mjs'), '--output', file];
    execFileSync(process.execPath, args, { cwd: join(here, '..'), stdio: ['ignore', 'pipe', 'inherit'] });
    const user = /^type User[^{]*/m.exec(readFileSync(file, 'utf8'))[0];
    for (const graph of ['AUTH_GRAPH', 'CLIENT_GRAPH']) assert.match(user, new RegExp(`@join__type\\(graph: ${graph}, key: "id"`));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the crate graphql-composition composes our pair, and parts with the schemas of others, and rejects a broken pair', () => {
  const target = join(process.env.CARGO_TARGET_DIR ?? join(here, '..', 'target'), 'composition');
  const manifest = join(here, 'composition', 'Cargo.toml');
  // A failure prints the output of cargo.
  execFileSync('cargo', ['test', '--locked', '--quiet', '--manifest-path', manifest, '--target-dir', target]);
});
