// The two most common GraphQL clients, with the recipes of docs/guides/browsers.md. Several queries fail at once
// because the access token is no longer accepted, one refresh follows, and all of them are answered.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client/core';
import { CombinedGraphQLErrors } from '@apollo/client/errors';
import { SetContextLink } from '@apollo/client/link/context';
import { ErrorLink } from '@apollo/client/link/error';
import { Client, fetchExchange } from '@urql/core';
import { authExchange } from '@urql/exchange-auth';
import { from, switchMap } from 'rxjs';
import { createUser, login, send, startAuthGraph } from './auth-graph.mjs';

const fields = ['id', 'email', 'firstName', 'lastName', 'version'];
const codes = ['UNAUTHENTICATED', 'TOKEN_EXPIRED', 'TOKEN_INVALID'];
const isStale = (error) => codes.includes(error.extensions?.code);

/** Returns a signed-in user whose access token is not accepted, with counters. */
function sessionOf(url, pair) {
  const session = { url: new URL('/graphql', url).href, ...pair, refreshes: 0, refused: [] };
  session.refresh = async () => {
    session.refreshes += 1;
    const document = 'mutation($token: String!) { refresh(refreshToken: $token) { accessToken refreshToken } }';
    Object.assign(session, (await send(url, document, { token: session.refreshToken })).refresh);
  };
  session.fetch = async (...request) => {
    const answer = await fetch(...request);
    const { errors = [] } = await answer.clone().json();
    session.refused.push(...errors.filter(isStale).map((error) => error.extensions.code));
    return answer;
  };
  return session;
}

function apollo(session) {
  const bearer = () => `Bearer ${session.accessToken}`;
  const authorize = new SetContextLink(({ headers }) => ({ headers: { ...headers, authorization: bearer() } }));
  let refreshing;
  const renew = new ErrorLink(({ error, operation, forward }) => {
    if (!CombinedGraphQLErrors.is(error) || !error.errors.some(isStale)) return;
    // A query with the old token that failed late needs no further refresh.
    if (operation.getContext().headers.authorization !== bearer()) return forward(operation);
    refreshing ??= session.refresh().finally(() => (refreshing = undefined));
    return from(refreshing).pipe(switchMap(() => forward(operation)));
  });
  const http = new HttpLink({ uri: session.url, fetch: session.fetch });
  const client = new ApolloClient({ cache: new InMemoryCache(), link: ApolloLink.from([renew, authorize, http]) });
  return async (query) => (await client.query({ query: gql(query), fetchPolicy: 'no-cache' })).data;
}

function urql(session) {
  const bearer = () => `Bearer ${session.accessToken}`;
  let refused;
  const authorize = authExchange(async ({ appendHeaders }) => ({
    addAuthToOperation: (operation) => appendHeaders(operation, { authorization: bearer() }),
    didAuthError(error, operation) {
      if (!error.graphQLErrors.some(isStale)) return false;
      refused = operation.context.fetchOptions.headers.authorization;
      return true;
    },
    // A query with the old token that failed late needs no further refresh.
    refreshAuth: async () => refused === bearer() && session.refresh(),
  }));
  const client = new Client({
    url: session.url,
    exchanges: [authorize, fetchExchange],
    fetch: session.fetch,
    preferGetMethod: false,
  });
  return async (query) => {
    const { data, error } = await client.query(query, {}).toPromise();
    assert.equal(error, undefined);
    return data;
  };
}

describe('several parallel failures are followed by one refresh', () => {
  const folder = mkdtempSync(join(tmpdir(), 'auth-graph-refresh-'));
  // The address changes with each start, but the issuer must stay the same.
  const settings = ['server.public_url=http://auth.localhost'];
  const pairs = [];
  let service;

  before(async () => {
    createUser(folder);
    // The clock is ten minutes late, so that tokens with a lifetime of five minutes have expired after the restart.
    const earlier = await startAuthGraph(folder, settings, '10m');
    for (let number = 0; number < 2; number += 1) pairs.push(await login(earlier.url));
    await earlier.stop();
    service = await startAuthGraph(folder, settings);
  });

  after(async () => {
    await service?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function refreshesOnce(build, pair, code) {
    const session = sessionOf(service.url, pair);
    const query = build(session);
    const answers = await Promise.all(fields.map((field) => query(`{ me { ${field} } }`)));
    answers.forEach((answer, index) => assert.ok(fields[index] in answer.me));
    assert.equal(answers[1].me.email, 'ada@example.com');
    assert.deepEqual(session.refused, fields.map(() => code), 'all queries have failed first');
    assert.equal(session.refreshes, 1);
    await query('{ me { isActive } }');
    assert.equal(session.refreshes, 1, 'the new token is stored');
  }

  for (const [name, build] of Object.entries({ 'Apollo Client': apollo, urql })) {
    test(`${name}, when the token has expired`, () => refreshesOnce(build, pairs.pop(), 'TOKEN_EXPIRED'));
    test(`${name}, when the token is not one`, async () => {
      await refreshesOnce(build, { ...(await login(service.url)), accessToken: 'outdated' }, 'TOKEN_INVALID');
    });
  }
});
