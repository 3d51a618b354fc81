// The parts `core` and `account` of auth-graph's subgraph compose with the subgraphs of others, which use common names
// for things of their own: roles, sessions, webhooks, clients, events, pages. `graphql-composition` composes the same
// schemas in composition/src/lib.rs.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { composeServices as composeApollo } from '@apollo/composition';
import { composeServices as composeGuild } from '@theguild/federation-composition';
import { federateSubgraphs } from '@wundergraph/composition';
import { parse } from 'graphql';

const folder = new URL('neighbours/', import.meta.url);
const neighbours = readdirSync(folder).map((file) => [file.replace('.graphql', ''), readFileSync(new URL(file, folder), 'utf8')]);
// These have the names of `account` themselves: one signs in its own members, and one trades pairs of tokens.
const coreOnly = ['exchange', 'members'];
const files = { core: 'auth.subgraph.core.graphql', account: 'auth.subgraph.graphql', full: 'auth.subgraph.full.graphql' };
const part = (name) => readFileSync(new URL(`../schema/${files[name]}`, import.meta.url), 'utf8');

const subgraphs = (parts) => parts.map(([name, sdl]) => ({ name, url: 'http://127.0.0.1/graphql', typeDefs: parse(sdl) }));
const messages = (errors) => (errors ?? []).map(({ message }) => message);
const composers = {
  '@apollo/composition': (parts) => messages(composeApollo(subgraphs(parts)).errors),
  '@theguild/federation-composition': (parts) => messages(composeGuild(subgraphs(parts)).errors),
  '@wundergraph/composition': (parts) => {
    const wunder = subgraphs(parts).map(({ typeDefs, ...subgraph }) => ({ ...subgraph, definitions: typeDefs }));
    const result = federateSubgraphs({ subgraphs: wunder, disableResolvabilityValidation: false, version: '1' });
    return messages(result.success ? [] : result.errors);
  },
};

const composesWith = (name) => (coreOnly.includes(name) ? ['core'] : ['core', 'account']);

test('there are at least twenty neighbours', () => assert.ok(neighbours.length - coreOnly.length >= 20, `${neighbours.length}`));

test('the default is the largest part that composes with every neighbour without accounts of its own', () => {
  const settings = readFileSync(new URL('../auth-graph/config.default.toml', import.meta.url), 'utf8');
  assert.match(settings, /\[federation\]\n(#.*\n)*part = "account"\n/);
});

for (const [composer, errors] of Object.entries(composers)) {
  for (const neighbour of neighbours) {
    for (const name of composesWith(neighbour[0])) {
      test(`${composer} composes the part ${name} with ${neighbour[0]}`, () => {
        assert.deepEqual(errors([['auth-graph', part(name)], neighbour]), []);
      });
    }
  }

  // The larger parts have names that others use too. If they composed with all of them, the parts would not be needed.
  const larger = { account: coreOnly, full: ['cms', 'hr', 'shop', ...coreOnly] };
  for (const [name, rivals] of Object.entries(larger)) {
    test(`${composer} cannot compose the part ${name} with ${rivals.join(', ')}`, () => {
      const failing = neighbours.filter((neighbour) => errors([['auth-graph', part(name)], neighbour]).length > 0);
      for (const rival of rivals) assert.ok(failing.some(([failed]) => failed === rival), `${failing.map(([failed]) => failed)}`);
    });
  }
}
