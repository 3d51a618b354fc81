// Sends operations, as any client does.
import assert from 'node:assert/strict';

/** Sends an operation, and returns the status, headers, data, errors, their codes and their whole extensions. */
export async function send(url, query, { variables, token, headers, extensions } = {}) {
  const answer = await fetch(new URL('/graphql', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }), ...headers },
    body: JSON.stringify({ query, variables, extensions }),
  });
  const text = await answer.text();
  const body = text.startsWith('{') ? JSON.parse(text) : {};
  // Grafbase moves the extensions of a subgraph to another member.
  const extensionsOf = (body.errors ?? []).map(({ extensions }) => extensions?.upstream_extensions ?? extensions ?? {});
  const codes = extensionsOf.map(({ code }) => code);
  return { status: answer.status, headers: answer.headers, text, data: body.data, errors: body.errors, codes, extensions: extensionsOf };
}

/** Sends an operation that must succeed, and returns its data. */
export async function ask(url, query, options) {
  const { data, errors, text } = await send(url, query, options);
  assert.ok(data && !errors, text);
  return data;
}

/** Yields the results of a subscription over server-sent events, until `signal` is aborted. */
export async function* subscribe(url, query, { token, signal }) {
  const answer = await fetch(new URL('/graphql', url), {
    method: 'POST',
    signal,
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query }),
  });
  let text = '';
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    const events = `${text}${chunk}`.split(/\r?\n\r?\n/);
    text = events.pop();
    for (const event of events) {
      const data = /^data: ?(\{.*?)\r?$/m.exec(event)?.[1];
      if (data) yield JSON.parse(data);
    }
  }
}

export const users = {
  admin: { email: 'admin@test.com', password: 'admin-pass' },
  staff: { email: 'staff@test.com', password: 'staff-pass' },
  user: { email: 'user@test.com', password: 'user-pass' },
};

const signingIn = `mutation ($input: LoginInput!) {
  login(input: $input) { ... on TokenPair { accessToken refreshToken user { id email } } } }`;

/** Signs a user in at auth-graph or through a gateway, and returns the token pair. */
export async function login(url, input) {
  return (await ask(url, signingIn, { variables: { input } })).login;
}
