// The committed supergraph is that of the committed subgraphs, and an operation that was released still fits it.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { buildSchema, parse, validate } from 'graphql';
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
