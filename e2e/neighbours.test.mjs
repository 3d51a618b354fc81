// The part `core` of auth-graph's subgraph composes with the subgraphs of others, which use common names for things of
// their own: roles, sessions, webhooks, clients, events, pages.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { composeServices as composeApollo } from '@apollo/composition';
import { composeServices as composeGuild } from '@theguild/federation-composition';
import { federateSubgraphs } from '@wundergraph/composition';
import { parse } from 'graphql';

const folder = new URL('neighbours/', import.meta.url);
const neighbours = readdirSync(folder).map((file) => [file.replace('.graphql', ''), readFileSync(new URL(file, folder), 'utf8')]);
const files = { core: 'auth.subgraph.core.graphql', full: 'auth.subgraph.graphql' };
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

test('there are at least twenty neighbours', () => assert.ok(neighbours.length >= 20, `${neighbours.length}`));

for (const [composer, errors] of Object.entries(composers)) {
  for (const neighbour of neighbours) {
    test(`${composer} composes the part core with ${neighbour[0]}`, () => {
      assert.deepEqual(errors([['auth-graph', part('core')], neighbour]), []);
    });
  }

  // The whole API has names that others use too. If it composed with all of them, the parts would not be needed.
  test(`${composer} cannot compose the whole API with some of them`, () => {
    const failing = neighbours.filter((neighbour) => errors([['auth-graph', part('full')], neighbour]).length > 0);
    const names = failing.map(([name]) => name);
    for (const name of ['cms', 'hr', 'shop']) assert.ok(names.includes(name), `${names}`);
  });
}
