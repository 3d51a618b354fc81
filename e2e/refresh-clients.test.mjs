// The two GraphQL clients that most front ends use, with the recipes of docs/guides/browsers.md: several queries fail at
// once because the access token is no longer taken, one refresh follows, and all of them are answered.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client/core';
import { CombinedGraphQLErrors } from '@apollo/client/errors';
import { SetContextLink } from '@apollo/client/link/context';
import { ErrorLink } from '@apollo/client/link/error';
import { Client, fetchExchange } from '@urql/core';
import { authExchange } from '@urql/exchange-auth';
import { from, switchMap } from 'rxjs';

assert.ok(process.env.AUTH_URL, 'where is auth-graph?');
const url = new URL('/graphql', process.env.AUTH_URL).href;
const fields = ['id', 'email', 'firstName', 'lastName', 'version'];
const codes = ['UNAUTHENTICATED', 'TOKEN_EXPIRED', 'TOKEN_INVALID'];
const isStale = (error) => codes.includes(error.extensions?.code);

async function send(query, variables) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await answer.json();
  assert.equal(errors, undefined);
  return data;
}

/** Somebody who has signed in and whose access token is not taken, with a count of what happens. */
async function signedIn() {
  const { login } = await send(
    'mutation($input: LoginInput!) { login(input: $input) { ... on TokenPair { refreshToken } } }',
    { input: { email: 'user@test.com', password: 'user-pass' } },
  );
  const session = { accessToken: 'outdated', refreshToken: login.refreshToken, refreshes: 0, refused: 0 };
  session.refresh = async () => {
    session.refreshes += 1;
    const { refresh } = await send('mutation($token: String!) { refresh(refreshToken: $token) { accessToken refreshToken } }', {
      token: session.refreshToken,
    });
    Object.assign(session, refresh);
  };
  session.fetch = async (...request) => {
    const answer = await fetch(...request);
    const { errors = [] } = await answer.clone().json();
    if (errors.some(isStale)) session.refused += 1;
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
    // A query that was sent with the old token and failed late needs no further refresh.
    if (operation.getContext().headers.authorization !== bearer()) return forward(operation);
    refreshing ??= session.refresh().finally(() => (refreshing = undefined));
    return from(refreshing).pipe(switchMap(() => forward(operation)));
  });
  const http = new HttpLink({ uri: url, fetch: session.fetch });
  const client = new ApolloClient({ cache: new InMemoryCache(), link: ApolloLink.from([renew, authorize, http]) });
  return async (query) => (await client.query({ query: gql(query), fetchPolicy: 'no-cache' })).data;
}

function urql(session) {
  const authorize = authExchange(async ({ appendHeaders }) => ({
    addAuthToOperation: (operation) => appendHeaders(operation, { authorization: `Bearer ${session.accessToken}` }),
    didAuthError: (error) => error.graphQLErrors.some(isStale),
    refreshAuth: () => session.refresh(),
  }));
  const client = new Client({
    url,
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

for (const [name, build] of Object.entries({ 'Apollo Client': apollo, urql })) {
  test(`${name} refreshes once for several parallel failures`, async () => {
    const session = await signedIn();
    const query = build(session);
    const answers = await Promise.all(fields.map((field) => query(`{ me { ${field} } }`)));
    answers.forEach((answer, index) => assert.ok(fields[index] in answer.me));
    assert.equal(answers[1].me.email, 'user@test.com');
    assert.equal(session.refused, fields.length, 'all of them have failed first');
    assert.equal(session.refreshes, 1);
    await query('{ me { isActive } }');
    assert.equal(session.refreshes, 1, 'the new token is kept');
  });
}
