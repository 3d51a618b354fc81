// The guide for graphs that exist already: its commands are executed, three subgraphs of another team and auth-graph are
// served behind a gateway, and the users of that team sign in.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { composeServices as composeApollo } from '@apollo/composition';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { transformSupergraphToPublicSchema } from '@theguild/federation-composition';
import { federateSubgraphs } from '@wundergraph/composition';
import { buildSchema, parse, print } from 'graphql';
import { createYoga } from 'graphql-yoga';
import { binary, startAuthGraph } from './auth-graph.mjs';
import { gateways } from './gateways.mjs';
import { ask, login, send } from './graphql.mjs';
import { freePort } from './processes.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const files = join(here, 'existing-graph');
const guide = readFileSync(join(here, '../docs/guides/existing-graph.md'), 'utf8');
const password = 'correct horse battery staple';
const ada = { id: '6f1c2f9e-3f0b-4c0e-9d52-0b7b6f0c1a01', email: 'ada@example.com' };
const eve = { id: '6f1c2f9e-3f0b-4c0e-9d52-0b7b6f0c1a02', email: 'eve@example.com' };

/** Returns the commands of the guide, each with the output below it. */
function examples() {
  const found = [];
  for (const [, language, body] of guide.matchAll(/^```(\w+)\n([^]*?)^```$/gm)) {
    if (language === 'sh') found.push({ command: body });
    else if (language === 'text') found.at(-1).output = body;
  }
  return found;
}

const resolvers = {
  accounts: {
    Query: { me: () => assert.fail('taken over'), user: () => assert.fail('taken over') },
    User: {
      __resolveReference: ({ id }) => ({ id, memberSince: id === ada.id ? 2019 : 2024 }),
      email: () => assert.fail('taken over'),
      firstName: () => assert.fail('taken over'),
    },
  },
  orders: {
    Query: { orders: () => [{ id: '1', total: 30, buyer: ada }, { id: '2', total: 50, buyer: eve }] },
    User: { __resolveReference: ({ id }) => ({ id }), orders: ({ id }) => (id === ada.id ? [{ id: '1', total: 30, buyer: ada }] : []) },
  },
  products: { Query: { products: () => [{ sku: 'A', name: 'Apple' }], roles: () => [{ id: '7', name: 'packer' }] } },
};

/** Serves a subgraph of the other team. */
async function serve(name) {
  const schema = buildSubgraphSchema({ typeDefs: parse(readFileSync(join(files, `${name}.graphql`), 'utf8')), resolvers: resolvers[name] });
  const server = createServer(createYoga({ schema, logging: false }));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: server.address().port, stop: () => (server.closeAllConnections(), server.close()) };
}

let folder, printed, url;
const running = [];
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'existing-graph-'));
  cpSync(files, folder, { recursive: true });
  symlinkSync(join(here, 'node_modules'), join(folder, 'node_modules'));
  const [data, port] = [join(folder, 'data'), await freePort()];
  const addresses = { 8000: port };
  for (const [place, name] of [[4001, 'accounts'], [4002, 'orders'], [4003, 'products']]) {
    const subgraph = await serve(name);
    running.push(subgraph);
    addresses[place] = subgraph.port;
  }
  for (const name of ['compose.mjs', 'contract.mjs']) {
    const text = readFileSync(join(files, name), 'utf8');
    writeFileSync(join(folder, name), text.replace(/127\.0\.0\.1:(\d+)/g, (_, place) => `127.0.0.1:${addresses[place]}`));
  }
  const path = [dirname(binary('auth-graph')), process.env.PATH].join(delimiter);
  const options = { cwd: folder, env: { ...process.env, PATH: path, AUTH_GRAPH_DATA_DIR: data }, encoding: 'utf8' };
  printed = examples().map(({ command }) => execFileSync('sh', ['-euc', command], options));
  const auth = await startAuthGraph(data, [`server.bind=127.0.0.1:${port}`]);
  running.push(auth);
  process.env.AUTH_URL = auth.url;
  const hive = gateways.find(({ name }) => name === 'Hive Gateway');
  const gateway = await hive.start(join(folder, 'supergraph.graphql'), [], folder);
  running.push(gateway);
  url = new URL(gateway.url).origin;
});
after(async () => {
  for (const program of running.reverse()) await program.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('the commands of the guide print what it shows', () => {
  const shown = examples();
  assert.ok(shown.filter(({ output }) => output).length >= 5);
  shown.forEach(({ command, output }, number) => output && assert.equal(printed[number].trim(), output.trim(), command));
});

test('the guide contains the files that are tested here', () => {
  const languages = { mjs: 'js', graphql: 'graphql', csv: 'csv' };
  for (const file of readdirSync(files).filter((file) => !file.endsWith('.csv'))) {
    const shown = `\`${file}\`:\n\n\`\`\`${languages[file.split('.').at(-1)]}\n${readFileSync(join(files, file), 'utf8')}\`\`\`\n`;
    assert.ok(guide.includes(shown), file);
  }
});

test('the guide lists every name of the part account', () => {
  const { definitions } = parse(readFileSync(join(here, '../schema/auth.subgraph.graphql'), 'utf8'));
  const roots = ['Query', 'Mutation'];
  const types = definitions.filter(({ kind }) => /TypeDefinition$/.test(kind));
  const fields = types.filter(({ name }) => roots.includes(name.value)).flatMap((type) => type.fields.map(({ name }) => name.value));
  const names = [...types.map(({ name }) => name.value).filter((name) => !roots.includes(name)), ...fields];
  assert.ok(names.length > 40);
  const [, claimed] = /## The names that auth-graph uses\n([^]*?)\n## /.exec(guide);
  assert.deepEqual(names.filter((name) => !claimed.includes(`\`${name}\``)), []);
});

test('a user of the other team signs in with the old password, and has the fields of every subgraph', async () => {
  const { accessToken } = await login(url, { email: ada.email, password });
  const { me } = await ask(url, '{ me { id email firstName memberSince orders { total } } }', { token: accessToken });
  assert.deepEqual(me, { id: ada.id, email: ada.email, firstName: 'Ada', memberSince: 2019, orders: [{ total: 30 }] });
  const { user } = await ask(url, `{ user(id: "${ada.id}") { email memberSince } }`, { token: accessToken });
  assert.deepEqual(user, { email: ada.email, memberSince: 2019 });
});

test('lists that refer to users work for two users and for an anonymous caller', async () => {
  const orders = '{ orders { total buyer { id memberSince } } }';
  const expected = [
    { total: 30, buyer: { id: ada.id, memberSince: 2019 } },
    { total: 50, buyer: { id: eve.id, memberSince: 2024 } },
  ];
  for (const { email } of [ada, eve]) {
    const { accessToken } = await login(url, { email, password });
    assert.deepEqual((await ask(url, orders, { token: accessToken })).orders, expected);
  }
  assert.deepEqual((await ask(url, orders)).orders, expected);
});

test('the names of the other team keep their meaning, and codes of errors pass', async () => {
  assert.deepEqual((await ask(url, '{ roles { id name } }')).roles, [{ id: '7', name: 'packer' }]);
  const wrong = await send(url, 'mutation ($input: LoginInput!) { login(input: $input) { __typename } }', {
    variables: { input: { email: ada.email, password: 'not it' } },
  });
  assert.deepEqual(wrong.codes, ['INVALID_CREDENTIALS'], wrong.text);
  assert.equal((await ask(url, '{ me { id } }')).me, null);
});

test('what is not in the part does not exist in the graph, and auth-graph itself answers it', async () => {
  const users = '{ users { totalCount } }';
  const { errors } = await send(url, users);
  assert.match(errors[0].message, /Cannot query field "users"/);
  assert.deepEqual((await send(process.env.AUTH_URL, users)).codes, ['UNAUTHENTICATED']);
});

/** Returns a schema of auth-graph in which the four fields of the guide are taken over, as compose.mjs does it. */
function takenOver(sdl) {
  const override = '@override(from: "accounts")';
  const marked = sdl.replace('"@key"', '"@key", "@override"').replace(/^\tme: User$|^\t\): User(?= @authenticated$)/gm, `$& ${override}`);
  return marked.replace(/^type User [^]*?^\}/m, (user) => user.replace(/^\t(email|firstName): String!?/gm, `$& ${override}`));
}

test('other composers take the fields over too', () => {
  const [auth, ...others] = ['auth', 'accounts', 'orders', 'products'].map((name) => readFileSync(join(folder, `${name}.graphql`), 'utf8'));
  const subgraphs = [takenOver(auth), ...others].map((sdl, number) => ({ name: `part${number}`, url: 'http://127.0.0.1/', sdl }));
  subgraphs[1].name = 'accounts';
  const { supergraphSdl, errors } = composeApollo(subgraphs.map(({ sdl, ...subgraph }) => ({ ...subgraph, typeDefs: parse(sdl) })));
  assert.equal(errors, undefined);
  assert.match(supergraphSdl, /^  me: User @join__field\(graph: PART0, override: "accounts"\)$/m);
  const wunder = subgraphs.map(({ sdl, ...subgraph }) => ({ ...subgraph, definitions: parse(sdl) }));
  const result = federateSubgraphs({ subgraphs: wunder, disableResolvabilityValidation: false, version: '1' });
  assert.ok(result.success, result.errors?.map(({ message }) => message).join('\n'));
});

test('the contract leaves out administration and the feed, and keeps signing in', () => {
  const supergraph = parse(readFileSync(join(folder, 'public.graphql'), 'utf8'));
  const schema = buildSchema(print(transformSupergraphToPublicSchema(supergraph)));
  const [query, mutation] = [schema.getQueryType().getFields(), schema.getMutationType().getFields()];
  assert.ok(query.me && query.orders && mutation.login && mutation.updateProfile);
  const hidden = [query.users, query.roles, mutation.createUser, schema.getType('Webhook'), schema.getSubscriptionType()];
  assert.deepEqual(hidden, hidden.map(() => undefined));
});
