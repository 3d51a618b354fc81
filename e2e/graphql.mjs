// Sending operations, as any client does.
import assert from 'node:assert/strict';

/** What comes back, whatever it is: status, headers, data, errors and the codes of these. */
export async function send(url, query, { variables, token, headers, extensions } = {}) {
  const answer = await fetch(new URL('/graphql', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }), ...headers },
    body: JSON.stringify({ query, variables, extensions }),
  });
  const text = await answer.text();
  const body = text.startsWith('{') ? JSON.parse(text) : {};
  const codes = (body.errors ?? []).map((error) => error.extensions?.code);
  return { status: answer.status, headers: answer.headers, text, data: body.data, errors: body.errors, codes };
}

/** The data of an operation that must succeed. */
export async function ask(url, query, options) {
  const { data, errors, text } = await send(url, query, options);
  assert.ok(data && !errors, text);
  return data;
}

export const users = {
  admin: { email: 'admin@test.com', password: 'admin-pass' },
  staff: { email: 'staff@test.com', password: 'staff-pass' },
  user: { email: 'user@test.com', password: 'user-pass' },
};

const signingIn = `mutation ($input: LoginInput!) {
  login(input: $input) { ... on TokenPair { accessToken refreshToken user { id email } } } }`;

/** The token pair of somebody, signed in at auth-graph or through whatever stands before it. */
export async function login(url, input) {
  return (await ask(url, signingIn, { variables: { input } })).login;
}
