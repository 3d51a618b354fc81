// Apollo Client with hashes instead of documents, by POST and by GET, and the audits of GraphQL over HTTP with GET
// enabled in both services: the settings of docs/guides/documents.md.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client/core';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { auditServer } from 'graphql-http';
import { print } from 'graphql';
import { binary, startAuthGraph } from './auth-graph.mjs';
import { freePort, startProgram } from './processes.mjs';

const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const folder = mkdtempSync(join(tmpdir(), 'auth-graph-documents-'));
const running = {};

/** Returns the result of Apollo Client and the requests that it has sent. */
async function ask(url, document, { useGETForHashedQueries = false } = {}) {
  const sent = [];
  const record = (address, options) => {
    sent.push(`${options.method} ${options.body?.includes('"query"') || /[?&]query=/.test(address) ? 'document' : 'hash'}`);
    return fetch(address, options);
  };
  const http = new HttpLink({ uri: new URL('/graphql', url).href, fetch: record });
  const link = new PersistedQueryLink({ sha256, useGETForHashedQueries }).concat(http);
  const client = new ApolloClient({ cache: new InMemoryCache(), link });
  const query = async (text) => {
    const { data, error } = await client.query({ query: gql(text), fetchPolicy: 'no-cache', errorPolicy: 'all' });
    return { data, code: error?.errors?.[0]?.extensions?.code };
  };
  return { ...(await query(document)), sent, query };
}

/** Starts a client-graph that answers queries by GET. */
async function startClientGraph(authUrl) {
  const url = `http://127.0.0.1:${await freePort()}`;
  const of = { data_dir: join(folder, 'client'), 'server.bind': new URL(url).host, 'auth.url': authUrl, 'graphql.queries_by_get': true };
  const flags = Object.entries(of).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  const client = await startProgram(binary('client-graph'), ['serve', ...flags], `${url}/readyz`);
  return { url, stop: () => (client.stop(), client.ended) };
}

before(async () => {
  const known = print(gql('{ me { id __typename } }'));
  const file = join(folder, 'documents.json');
  writeFileSync(file, JSON.stringify({ [sha256(known)]: known }));
  const settings = {
    storing: ['graphql.queries_by_get=true'],
    forgetting: ['graphql.stored_documents_bytes=0'],
    strict: ['graphql.allowed_documents=trusted', `graphql.trusted_documents=${file}`],
  };
  for (const [name, values] of Object.entries(settings)) {
    running[name] = await startAuthGraph(join(folder, name), values);
  }
  running.client = await startClientGraph(running.storing.url);
});

after(async () => {
  for (const { stop } of Object.values(running)) await stop();
  rmSync(folder, { recursive: true, force: true });
});

test('a document is sent once, and all clients send its hash afterwards', async () => {
  const { url } = running.storing;
  const first = await ask(url, '{ me { id } }');
  assert.deepEqual([first.data, first.sent], [{ me: null }, ['POST hash', 'POST document']]);
  await first.query('{ me { id } }');
  assert.deepEqual(first.sent.slice(2), ['POST hash']);
  assert.deepEqual((await ask(url, '{ me { id } }')).sent, ['POST hash']);
});

test('hashes are sent by GET', async () => {
  const { url } = running.storing;
  const first = await ask(url, '{ me { email } }', { useGETForHashedQueries: true });
  assert.deepEqual([first.data, first.sent], [{ me: null }, ['GET hash', 'POST document']]);
  const second = await ask(url, '{ me { email } }', { useGETForHashedQueries: true });
  assert.deepEqual([second.data, second.sent], [{ me: null }, ['GET hash']]);
});

test('a client stops sending hashes to a service without a store', async () => {
  const first = await ask(running.forgetting.url, '{ me { id } }');
  assert.deepEqual([first.data, first.sent], [{ me: null }, ['POST hash', 'POST document']]);
  await first.query('{ me { email } }');
  assert.deepEqual(first.sent.slice(2), ['POST document']);
});

test('a service with trusted documents only rejects all others', async () => {
  const known = await ask(running.strict.url, '{ me { id } }');
  assert.deepEqual([known.data, known.sent], [{ me: null }, ['POST hash']]);
  const unknown = await ask(running.strict.url, '{ me { email } }');
  assert.deepEqual([unknown.code, unknown.sent], ['DOCUMENT_NOT_TRUSTED', ['POST hash', 'POST document']]);
});

for (const name of ['storing', 'client']) {
  test(`with GET, every audit of GraphQL over HTTP passes too: ${name}`, async () => {
    const results = await auditServer({ url: new URL('/graphql', running[name].url).href, fetchFn: fetch });
    assert.equal(results.length, 61);
    const failed = results.filter(({ status }) => status === 'error' || status === 'warn');
    assert.deepEqual(failed.map(({ name, reason }) => `${name}: ${reason}`), []);
    const byGet = results.filter(({ name, status }) => /GET/.test(name) && status === 'ok');
    assert.ok(byGet.length > 3, `only ${byGet.length} audits of GET were ok`);
  });
}
