// The committed supergraph is that of the committed subgraphs, the operations of our clients fit, and nothing that was
// released is taken away, given to fewer callers, or no longer fits an operation that was released with it.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { buildSchema, findBreakingChanges, parse, validate, valueFromASTUntyped } from 'graphql';
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

test('every operation of our clients fits the schema that answers it', () => {
  assert.deepEqual(misfits(sdl('auth.graphql'), 'schema/operations'), []);
  assert.deepEqual(misfits(sdl('client.subgraph.plain.graphql'), 'client-graph/operations'), []);
});

test('a field that is taken away is told with the operation that needs it', () => {
  const without = sdl('auth.graphql').replace(/^\temail: String!$/gm, '\taddress: String!');
  const told = misfits(without, 'schema/operations');
  assert.ok(told.includes('schema/operations/me.graphql: Cannot query field "email" on type "User".'), told.join('\n'));
});

/** What was released of each service: its schema, and the operations that its users send. */
const released = {
  'auth.subgraph.graphql': 'schema/released/operations/auth-graph',
  'client.subgraph.graphql': 'schema/released/operations/client-graph',
};
const advice = 'keep it beside what takes its place, with @deprecated: see schema/released/README.md';

/** What would break those who use the schema as it was released. */
function broken(file, change = (text) => text) {
  const [before, now] = [sdl(`released/${file}`), change(sdl(file))];
  const [old, current] = [before, now].map((text) => buildSchema(text, { assumeValidSDL: true }));
  const breaking = findBreakingChanges(old, current).map(({ description }) => description);
  return [...breaking, ...stricter(before, now)].map((told) => `${file}: ${told}`).concat(misfits(now, released[file]));
}

/** What a directive demands: one of these lists of things that a caller must have. */
function demanded({ name: { value: name }, arguments: [argument] }) {
  if (name === 'authenticated') return [['a token']];
  if (name !== 'requiresScopes' && name !== 'policy') return undefined;
  return valueFromASTUntyped(argument.value).map((list) => ['a token', ...list.map((one) => `${name} ${one}`)]);
}

/** What each field demands, by its own directives and those of its type. */
function demandsOf(text) {
  const fields = parse(text).definitions.flatMap(({ name, directives, fields = [] }) =>
    fields.map((field) => [`${name.value}.${field.name.value}`, [...directives, ...field.directives]]),
  );
  return new Map(fields.map(([field, directives]) => [field, directives.map(demanded).filter(Boolean)]));
}

/** The fields that no longer answer everybody whom they answered. */
function stricter(before, now) {
  const had = demandsOf(before);
  const isMet = (needs, has) => has.every((held) => needs.some((needed) => needed.every((one) => held.includes(one))));
  const stricter = ([field, demands]) => had.has(field) && !demands.every((needs) => had.get(field).some((has) => isMet(needs, has)));
  return [...demandsOf(now)].filter(stricter).map(([field]) => `${field} demands more of its callers.`);
}

test('nothing is taken away that was released, and every released operation fits', () => {
  assert.deepEqual(Object.keys(released).flatMap((file) => broken(file)), [], advice);
});

test('a field that is taken away, and an argument that must be given, are told with the operations that they break', () => {
  const without = broken('auth.subgraph.graphql', (text) => text.replace(/^\temail: String!$/gm, '\taddress: String!'));
  for (const told of [
    'auth.subgraph.graphql: User.email was removed.',
    'schema/released/operations/auth-graph/me.graphql: Cannot query field "email" on type "User".',
  ]) {
    assert.ok(without.includes(told), without.join('\n'));
  }
  const strict = broken('auth.subgraph.graphql', (text) => text.replace('logout(', 'logout(reason: String!, '));
  assert.equal(strict[0], 'auth.subgraph.graphql: A required arg reason on Mutation.logout was added.');
  assert.match(strict[1], /^schema\/released\/operations\/auth-graph\/logout\.graphql: .*reason/);
  assert.equal(strict.length, 2);
});

test('a field that demands more of its callers is told, one that demands less is not', () => {
  const clients = 'clients: [ServiceClient!]! @requiresScopes(scopes: [["clients:read"]])';
  const as = (directives) => broken('auth.subgraph.graphql', (text) => {
    assert.ok(text.includes(clients));
    return text.replace(clients, `clients: [ServiceClient!]! ${directives}`);
  });
  const told = ['auth.subgraph.graphql: Query.clients demands more of its callers.'];
  assert.deepEqual(as('@requiresScopes(scopes: [["clients:read", "users:read"]])'), told);
  assert.deepEqual(as('@requiresScopes(scopes: [["users:read"]])'), told);
  assert.deepEqual(as('@policy(policies: [["fresh"]])'), told);
  assert.deepEqual(as('@requiresScopes(scopes: [["clients:read"], ["users:read"]])'), []);
  assert.deepEqual(as('@authenticated'), []);
  assert.deepEqual(as(''), []);
  const closed = broken('client.subgraph.graphql', (text) => text.replace('whoami: Whoami', 'whoami: Whoami @authenticated'));
  assert.deepEqual(closed, ['client.subgraph.graphql: Query.whoami demands more of its callers.']);
  const whole = broken('client.subgraph.graphql', (text) => text.replace('type Query {', 'type Query @authenticated {'));
  assert.ok(whole.includes(closed[0]), whole.join('\n'));
});
