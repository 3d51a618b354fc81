// The committed supergraph is that of the committed subgraphs, an operation of our clients still fits, and nothing that was
// released is taken away.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { buildSchema, findBreakingChanges, parse, validate } from 'graphql';
import { committed, supergraph } from './supergraph.mjs';

test('the supergraph is current', () => {
  assert.ok(readFileSync(committed, 'utf8') === supergraph(), 'schema/supergraph.graphql is out of date: run `make schema`');
});

/** What is wrong with each operation of a folder, by a schema. */
function misfits(sdl, folder) {
  const schema = buildSchema(sdl, { assumeValidSDL: true });
  const url = new URL(`../${folder}/`, import.meta.url);
  const files = readdirSync(url);
  assert.ok(files.length > 0, folder);
  return files.flatMap((file) =>
    validate(schema, parse(readFileSync(new URL(file, url), 'utf8'))).map(({ message }) => `${folder}/${file}: ${message}`),
  );
}

const sdl = (file) => readFileSync(new URL(`../schema/${file}`, import.meta.url), 'utf8');

test('every released operation fits the schema that answers it', () => {
  assert.deepEqual(misfits(sdl('auth.graphql'), 'schema/operations'), []);
  assert.deepEqual(misfits(sdl('client.subgraph.plain.graphql'), 'client-graph/operations'), []);
});

test('a field that is taken away is told with the operation that needs it', () => {
  const without = sdl('auth.graphql').replace(/^\temail: String!$/gm, '\taddress: String!');
  const told = misfits(without, 'schema/operations');
  assert.ok(told.includes('schema/operations/me.graphql: Cannot query field "email" on type "User".'), told.join('\n'));
});

/** What would break those who use the schema as it was released last. */
function broken(file, change = (text) => text) {
  const [released, current] = [sdl(`released/${file}`), change(sdl(file))].map((text) =>
    buildSchema(text, { assumeValidSDL: true }),
  );
  return findBreakingChanges(released, current).map(({ description }) => `${file}: ${description}`);
}

test('nothing is taken away that was released', () => {
  const told = ['auth.graphql', 'client.subgraph.plain.graphql'].flatMap((file) => broken(file));
  assert.deepEqual(told, [], 'keep it beside what takes its place, with @deprecated; schema/released is written at a release');
});

test('a field that is taken away, and an argument that must be given, are told', () => {
  const without = broken('auth.graphql', (text) => text.replace(/^\temail: String!$/gm, '\taddress: String!'));
  assert.ok(without.includes('auth.graphql: User.email was removed.'), without.join('\n'));
  const strict = broken('auth.graphql', (text) => text.replace('logout(', 'logout(reason: String!, '));
  assert.deepEqual(strict, ['auth.graphql: A required arg reason on Mutation.logout was added.']);
});
