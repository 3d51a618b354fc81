// The committed supergraph is that of the committed subgraphs, and the operations of our clients are valid. No released
// field is removed or limited to fewer callers, and all released operations stay valid.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { buildASTSchema, buildSchema, findBreakingChanges, parse, validate, valueFromASTUntyped } from 'graphql';
import { committed, supergraph } from './supergraph.mjs';

test('the supergraph is current', () => {
  assert.ok(readFileSync(committed, 'utf8') === supergraph(), 'schema/supergraph.graphql is out of date: run `make schema`');
});

/** Returns the validation errors of the operations in a folder. */
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

test('every operation of our clients matches its schema', () => {
  assert.deepEqual(misfits(sdl('auth.graphql'), 'schema/operations'), []);
  assert.deepEqual(misfits(sdl('client.subgraph.plain.graphql'), 'client-graph/operations'), []);
});

test('a removed field is reported with the operation that needs it', () => {
  const without = sdl('auth.graphql').replace(/^\temail: String$/gm, '\taddress: String!');
  const reported = misfits(without, 'schema/operations');
  assert.ok(reported.includes('schema/operations/me.graphql: Cannot query field "email" on type "User".'), reported.join('\n'));
});

/** The released schema of each service, and the released operations. */
const released = {
  'auth.subgraph.full.graphql': 'schema/released/operations/auth-graph',
  'client.subgraph.graphql': 'schema/released/operations/client-graph',
};
const advice = 'keep the old definition with @deprecated next to its replacement: see schema/released/README.md';

/** Builds a schema with GraphQL's own directives as graphql-js defines them: the places where they may stand differ. */
function schemaOf(text) {
  const document = parse(text);
  const definitions = document.definitions.filter(({ kind }) => kind !== 'DirectiveDefinition');
  return buildASTSchema({ ...document, definitions }, { assumeValidSDL: true });
}

/** Returns the changes that break users of a released schema. */
function broken(file, change = (text) => text) {
  const [before, now] = [sdl(`released/${file}`), change(sdl(file))];
  const [old, current] = [before, now].map(schemaOf);
  const breaking = findBreakingChanges(old, current).map(({ description }) => description);
  return [...breaking, ...stricter(before, now)].map((reported) => `${file}: ${reported}`).concat(misfits(now, released[file]));
}

/** Returns the demands of a directive: the caller must meet one of these lists. */
function demanded({ name: { value: name }, arguments: [argument] }) {
  if (name === 'authenticated') return [['a token']];
  if (name !== 'requiresScopes' && name !== 'policy') return undefined;
  return valueFromASTUntyped(argument.value).map((list) => ['a token', ...list.map((one) => `${name} ${one}`)]);
}

/** Returns the demands of each field, from its own directives and those of its type. */
function demandsOf(text) {
  const fields = parse(text).definitions.flatMap(({ name, directives, fields = [] }) =>
    fields.map((field) => [`${name.value}.${field.name.value}`, [...directives, ...field.directives]]),
  );
  return new Map(fields.map(([field, directives]) => [field, directives.map(demanded).filter(Boolean)]));
}

/** Returns the fields that demand more of their callers than before. */
function stricter(before, now) {
  const had = demandsOf(before);
  const isMet = (needs, has) => has.every((held) => needs.some((needed) => needed.every((one) => held.includes(one))));
  const stricter = ([field, demands]) => had.has(field) && !demands.every((needs) => had.get(field).some((has) => isMet(needs, has)));
  return [...demandsOf(now)].filter(stricter).map(([field]) => `${field} demands more of its callers.`);
}

test('no released definition is removed, and every released operation is valid', () => {
  assert.deepEqual(Object.keys(released).flatMap((file) => broken(file)), [], advice);
});

test('a removed field and a new required argument are reported with the operations that they break', () => {
  const without = broken('auth.subgraph.full.graphql', (text) => text.replace(/^\temail: String$/gm, '\taddress: String!'));
  for (const reported of [
    'auth.subgraph.full.graphql: User.email was removed.',
    'schema/released/operations/auth-graph/me.graphql: Cannot query field "email" on type "User".',
  ]) {
    assert.ok(without.includes(reported), without.join('\n'));
  }
  const strict = broken('auth.subgraph.full.graphql', (text) => text.replace('logout(', 'logout(reason: String!, '));
  assert.equal(strict[0], 'auth.subgraph.full.graphql: A required arg reason on Mutation.logout was added.');
  assert.match(strict[1], /^schema\/released\/operations\/auth-graph\/logout\.graphql: .*reason/);
  assert.equal(strict.length, 2);
});

test('a field that demands more of its callers is reported, one that demands less is not', () => {
  const clients = 'clients: [ServiceClient!]! @requiresScopes(scopes: [["clients:read"]])';
  const as = (directives) => broken('auth.subgraph.full.graphql', (text) => {
    assert.ok(text.includes(clients));
    return text.replace(clients, `clients: [ServiceClient!]! ${directives}`);
  });
  const reported = ['auth.subgraph.full.graphql: Query.clients demands more of its callers.'];
  assert.deepEqual(as('@requiresScopes(scopes: [["clients:read", "users:read"]])'), reported);
  assert.deepEqual(as('@requiresScopes(scopes: [["users:read"]])'), reported);
  assert.deepEqual(as('@policy(policies: [["fresh"]])'), reported);
  assert.deepEqual(as('@requiresScopes(scopes: [["clients:read"], ["users:read"]])'), []);
  assert.deepEqual(as('@authenticated'), []);
  assert.deepEqual(as(''), []);
  const closed = broken('client.subgraph.graphql', (text) => text.replace('whoami: Whoami', 'whoami: Whoami @authenticated'));
  assert.deepEqual(closed, ['client.subgraph.graphql: Query.whoami demands more of its callers.']);
  const whole = broken('client.subgraph.graphql', (text) => text.replace('type Query {', 'type Query @authenticated {'));
  assert.ok(whole.includes(closed[0]), whole.join('\n'));
});
