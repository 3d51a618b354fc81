// The standard OAuth endpoints with openid-client, a certified client library. It is configured only with the issuer
// and its credentials.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as oauth from 'openid-client';

const url = process.env.AUTH_URL;
const user = { email: 'user@test.com', password: 'user-pass' };
const admin = { email: 'admin@test.com', password: 'admin-pass' };
const methods = { basic: oauth.ClientSecretBasic, post: oauth.ClientSecretPost };

async function graphql(query, variables, token, at = url) {
  const response = await fetch(new URL('/graphql', at), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

async function login(input) {
  const document = `mutation ($input: LoginInput!) {
    login(input: $input) { ... on TokenPair { accessToken refreshToken user { id } } } }`;
  return (await graphql(document, { input })).login;
}

/** Discovers the issuer for one client. */
function discover(algorithm, id, authentication) {
  return oauth.discovery(new URL(url), id, undefined, authentication, {
    algorithm,
    execute: [oauth.allowInsecureRequests],
  });
}

let token;
before(async () => {
  assert.ok(url, 'where is auth-graph?');
  token = (await login(admin)).accessToken;
});

async function createClient() {
  const document = `mutation ($input: CreateClientInput!) {
    createClient(input: $input) { secret client { id } } }`;
  const input = { name: `e2e ${crypto.randomUUID()}`, scopes: ['users:read', 'orders:write'] };
  const { secret, client } = (await graphql(document, { input }, token)).createClient;
  return { id: client.id, secret };
}

for (const algorithm of ['oauth2', 'oidc']) {
  test(`the metadata is found and accepted by ${algorithm} discovery`, async () => {
    const metadata = (await discover(algorithm, 'first-party', oauth.None())).serverMetadata();
    assert.equal(metadata.issuer, url);
    for (const endpoint of ['token_endpoint', 'introspection_endpoint', 'revocation_endpoint', 'jwks_uri']) {
      assert.ok(metadata[endpoint].startsWith(`${url}/`), endpoint);
    }
  });
}

for (const [name, method] of Object.entries(methods)) {
  test(`a service signs in (${name}), introspects its token, and revokes it`, async () => {
    const { id, secret } = await createClient();
    const config = await discover('oauth2', id, method(secret));
    const granted = await oauth.clientCredentialsGrant(config, { scope: 'users:read' });
    assert.equal(granted.scope, 'users:read');
    assert.equal(granted.expires_in, 300);
    const { users } = await graphql('{ users { totalCount } }', {}, granted.access_token);
    assert.ok(users.totalCount >= 3);

    const found = await oauth.tokenIntrospection(config, granted.access_token);
    assert.deepEqual([found.active, found.sub, found.client_id, found.iss], [true, id, id, url]);
    await oauth.tokenRevocation(config, granted.access_token);
    assert.deepEqual(await oauth.tokenIntrospection(config, granted.access_token), { active: false });
  });
}

test('errors have the names that the library knows', async () => {
  const { id, secret } = await createClient();
  const wrong = await discover('oauth2', id, oauth.ClientSecretBasic(`${secret}x`));
  await assert.rejects(oauth.clientCredentialsGrant(wrong), (error) => {
    const challenge = error.cause?.[0] ?? error.cause;
    return error.status === 401 && JSON.stringify(challenge).includes('basic');
  });
  const post = await discover('oauth2', id, oauth.ClientSecretPost(secret));
  await assert.rejects(oauth.clientCredentialsGrant(post, { scope: 'everything' }), { error: 'invalid_scope', status: 400 });
  await assert.rejects(oauth.clientCredentialsGrant(post, { resource: 'https://else.test' }), { error: 'invalid_target' });
});

test('a signed-in user refreshes with the library, as the public client', async () => {
  const service = await createClient();
  const watching = await discover('oauth2', service.id, oauth.ClientSecretBasic(service.secret));
  const pair = await login(user);
  const config = await discover('oauth2', 'first-party', oauth.None());

  await assert.rejects(oauth.refreshTokenGrant(watching, pair.refreshToken), { error: 'invalid_grant' });
  const next = await oauth.refreshTokenGrant(config, pair.refreshToken);
  const found = await oauth.tokenIntrospection(watching, next.access_token);
  assert.deepEqual([found.active, found.sub, found.client_id], [true, pair.user.id, 'first-party']);

  await assert.rejects(oauth.tokenRevocation(watching, next.refresh_token), { error: 'invalid_grant' });
  await oauth.tokenRevocation(config, next.refresh_token);
  assert.deepEqual(await oauth.tokenIntrospection(watching, next.access_token), { active: false });
  await assert.rejects(oauth.refreshTokenGrant(config, next.refresh_token), { error: 'invalid_grant' });
});

test('the client service recognises a service', async () => {
  const { id, secret } = await createClient();
  const config = await discover('oauth2', id, oauth.ClientSecretBasic(secret));
  const { access_token } = await oauth.clientCredentialsGrant(config);
  const { whoami } = await graphql('{ whoami { subject user { id } } }', {}, access_token, process.env.CLIENT_URL);
  assert.deepEqual(whoami, { subject: id, user: null });
});

test('a disabled service is rejected at once', async () => {
  const { id, secret } = await createClient();
  const config = await discover('oauth2', id, oauth.ClientSecretPost(secret));
  const { access_token } = await oauth.clientCredentialsGrant(config);
  await graphql('mutation ($id: ID!) { disableClient(id: $id) { client { id } } }', { id }, token);
  await assert.rejects(oauth.clientCredentialsGrant(config), { status: 401 });
  const response = await fetch(new URL('/graphql', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${access_token}` },
    body: JSON.stringify({ query: '{ users { totalCount } }' }),
  });
  assert.equal((await response.json()).errors[0].extensions.code, 'TOKEN_REVOKED');
});
