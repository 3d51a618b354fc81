// One graph of three services behind the common gateways. A signed-in user gets the whole graph, and other callers get
// no more than from the services themselves.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startBadges } from './badges.mjs';
import { gateways, startGateway } from './gateways.mjs';
import { ask, login, send, subscribe } from './graphql.mjs';
import { patience } from './processes.mjs';
import { people as users, startServices, tokenOf } from './services.mjs';
import { ours } from './subgraphs.mjs';

const federated = '{ me { email notes { edges { node { text author { email } } } } } }';
const everything = `query ($id: ID!) {
  me { email notes { nodes { text } } } whoami { subject user { email } }
  user(id: $id) { email metadata notes { nodes { text } } }
}`;
// The third service names this user, and the gateway requests the user from `_entities` of auth-graph.
const champion = '{ champion { id email metadata } }';
// Names of authors: authors.test.mjs.
const everyNote = `{ notes(first: 100) { edges { node { text author { id } } } } }`;
const secret = `only for the signed in: ${crypto.randomUUID()}`;
const forged = (payload) => {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none', typ: 'at+jwt' })}.${part(payload)}.`;
};

const strangers = `also for the signed in: ${crypto.randomUUID()}`;
let folder, services, authUrl, clientUrl, user, staff, admin, spoofed;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'auth-graph-gateways-'));
  services = await startServices(folder, ['server.trusted_proxies=["127.0.0.1/32"]', 'federation.part=full']);
  ({ authUrl, clientUrl } = services);
  Object.assign(process.env, { AUTH_URL: authUrl, CLIENT_URL: clientUrl });
  [user, staff, admin] = await Promise.all([users.user, users.staff, users.admin].map((input) => login(authUrl, input)));
  const note = 'mutation ($text: String!) { addNote(input: { text: $text }) { note { id } } }';
  await ask(clientUrl, note, { variables: { text: secret }, token: user.accessToken });
  await ask(clientUrl, note, { variables: { text: strangers }, token: staff.accessToken });
  const claims = { sub: admin.user.id, user_id: admin.user.id, scope: 'users:read users:write', iss: authUrl, aud: 'graph' };
  spoofed = {
    headers: {
      'x-user-id': admin.user.id,
      'x-jwt-payload': JSON.stringify(claims),
      'x-auth-claims': Buffer.from(JSON.stringify(claims)).toString('base64'),
      'x-forwarded-user': users.admin.email,
      'x-forwarded-authorization': `Bearer ${admin.accessToken}`,
    },
    extensions: { jwt: { payload: claims, token: { value: admin.accessToken, prefix: 'Bearer' } }, claims },
  };
});
after(async () => {
  await services?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Checks that a response contains no data about any user. */
function assertNothing({ text, status }, what) {
  for (const protectedText of [secret, strangers, ...Object.values(users).map(({ email }) => email)]) {
    assert.ok(!text.includes(protectedText), `${what}: ${text}`);
  }
  assert.ok(status < 500, `${what}: ${status} ${text}`);
}

/** Checks that a reference is null, or has no field but its key. */
function assertOnlyKey({ data, text }) {
  const { id, ...fields } = data?.champion ?? {};
  assert.ok(Object.values(fields).every((value) => value === null), text);
}

/** Callers that may see no user except themselves. */
const outsiders = {
  'an anonymous caller': () => ({}),
  'a token with another signature': () => ({ token: user.accessToken.slice(0, -8) + 'AAAAAAAA' }),
  'a token without a signature': () => ({ token: forged({ sub: admin.user.id, scope: 'users:read', iss: authUrl, aud: 'graph' }) }),
  'a refresh token': () => ({ token: user.refreshToken }),
  'claims in headers and extensions': () => spoofed,
};

/** Signed-in callers without the scope to see other users. */
const unscoped = {
  'a user': () => user.accessToken,
  'a service with another scope': () => tokenOf(authUrl, services.reader),
};

test('the guide contains the files that are tested here', () => {
  const guide = readFileSync(new URL('../docs/guides/gateways.md', import.meta.url), 'utf8');
  const folder = new URL('gateways/', import.meta.url);
  for (const file of readdirSync(folder)) {
    const language = file.endsWith('.mjs') ? 'js' : 'toml';
    const shown = `\`${file}\`:\n\n\`\`\`${language}\n${readFileSync(new URL(file, folder), 'utf8')}\`\`\`\n`;
    assert.ok(guide.includes(shown), file);
  }
});

test('@apollo/gateway does not start on a supergraph with the directives', async () => {
  const badges = await startBadges({ directives: true });
  const subgraphs = [...(await ours({ directives: true }, 'full')), badges];
  const apollo = gateways.find(({ name }) => name === '@apollo/gateway');
  await assert.rejects(startGateway({ ...apollo, name: 'refused' }, subgraphs, folder), /authenticated/);
  badges.stop();
});

test('Grafbase reports which machine it needs', async () => {
  const arch = Object.getOwnPropertyDescriptor(process, 'arch');
  Object.defineProperty(process, 'arch', { ...arch, value: 'arm64' });
  try {
    const grafbase = gateways.find(({ name }) => name === 'Grafbase');
    await assert.rejects(startGateway(grafbase, await ours(grafbase, 'full'), folder), /linux on x64, and this is .* on arm64/);
  } finally {
    Object.defineProperty(process, 'arch', arch);
  }
});

describe('directly', () => {
  const entities = `query ($representations: [_Any!]!) { _entities(representations: $representations) { ... on User {`;
  for (const [who, options] of Object.entries(outsiders)) {
    test(`${who} gets no data, even from _entities`, async () => {
      const representations = [user, admin].map(({ user: { id } }) => ({ __typename: 'User', id }));
      const ofAuth = await send(authUrl, `${entities} email metadata } } }`, { ...options(), variables: { representations } });
      assertNothing(ofAuth, 'auth-graph');
      const ofClient = await send(clientUrl, `${entities} notes { nodes { text } } } } }`, { ...options(), variables: { representations } });
      assertNothing(ofClient, 'client-graph');
      assertNothing(await send(authUrl, '{ me { email } users { nodes { email } } }', options()), 'users');
      assertNothing(await send(clientUrl, '{ whoami { user { email } } notes { nodes { text } } }', options()), 'notes');
    });
  }
  for (const [who, tokenOfCaller] of Object.entries(unscoped)) {
    test(`${who} without the scope sees no other user, even from _entities`, async () => {
      const representations = [{ __typename: 'User', id: admin.user.id }, { __typename: 'User', id: crypto.randomUUID() }];
      const options = { token: await tokenOfCaller(), variables: { representations } };
      const { data, errors } = await send(authUrl, `${entities} email metadata } } }`, options);
      assert.deepEqual([data, errors], [{ _entities: [null, null] }, undefined]);
      const { token } = options;
      assert.deepEqual((await send(authUrl, `{ user(id: "${admin.user.id}") { email } }`, { token })).data, { user: null });
      assert.deepEqual((await send(authUrl, '{ users { nodes { email } } }', { token })).codes, ['FORBIDDEN']);
    });
  }
});

for (const gateway of gateways) {
  describe(gateway.name, () => {
    let url, badges, running;
    before(async () => {
      badges = await startBadges(gateway, admin.user.id);
      running = await startGateway(gateway, [...(await ours(gateway, 'full')), badges], folder);
      url = running.url;
    });
    after(() => {
      running?.stop();
      badges?.stop();
    });

    test('one query is answered by both services', async () => {
      const { me } = await ask(url, federated, { token: user.accessToken });
      assert.equal(me.email, users.user.email);
      const { node } = me.notes.edges.find(({ node }) => node.text === secret);
      assert.equal(node.author.email, users.user.email);
    });

    test('two users see the notes of each other with their authors', async () => {
      for (const { accessToken: token } of [user, staff]) {
        const { notes } = await ask(url, everyNote, { token });
        const nodes = notes.edges.map(({ node }) => node);
        const written = { [secret]: user, [strangers]: staff };
        for (const [text, author] of Object.entries(written)) {
          assert.deepEqual(nodes.find((node) => node.text === text), { text, author: { id: author.user.id } });
        }
      }
    });

    test('an anonymous caller who asks for the notes is told to sign in', async () => {
      const refused = await send(url, everyNote);
      assertNothing(refused, 'notes');
      assert.deepEqual([refused.data?.notes ?? null, refused.codes], [null, [gateway.anonymous ?? 'UNAUTHENTICATED']], refused.text);
    });

    test('a service without our packages that extends User answers too', async () => {
      const { me } = await ask(url, '{ me { id badges } }', { token: user.accessToken });
      assert.deepEqual(me.badges, [`badge of ${me.id}`]);
    });

    test('sign-in, refresh and sign-out work through it', async () => {
      const pair = await login(url, users.staff);
      const refresh = 'mutation ($token: String) { refresh(refreshToken: $token) { accessToken refreshToken } }';
      const next = (await ask(url, refresh, { variables: { token: pair.refreshToken } })).refresh;
      assert.equal((await ask(url, '{ me { email } }', { token: next.accessToken })).me.email, users.staff.email);
      const logout = 'mutation ($token: String) { logout(refreshToken: $token) { revokedSessions } }';
      assert.equal((await ask(url, logout, { variables: { token: next.refreshToken } })).logout.revokedSessions, 1);
      const ended = await send(url, '{ me { email } }', { token: next.accessToken });
      assert.deepEqual(ended.codes, ['TOKEN_REVOKED'], ended.text);
    });

    test('a cookie is not forwarded', async () => {
      const query = 'mutation ($input: LoginInput!) { login(input: $input) { ... on TokenPair { refreshToken } } }';
      const { headers, text } = await send(url, query, { variables: { input: { ...users.staff, delivery: 'COOKIE' } } });
      assert.deepEqual(headers.getSetCookie(), []);
      assert.ok(!text.includes('agr_'), 'the token for the cookie is not in the response');
    });

    test('an error keeps its code', async () => {
      const wrong = await send(url, 'mutation ($input: LoginInput!) { login(input: $input) { __typename } }', {
        variables: { input: { ...users.staff, password: 'not it' } },
      });
      assert.deepEqual(wrong.codes, ['INVALID_CREDENTIALS'], wrong.text);
    });

    test('an error keeps its other extensions', async () => {
      const update = 'mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { user { id } } }';
      const options = { token: user.accessToken, variables: { input: { phoneNumber: 'not a number' } } };
      const { extensions: [invalid], text } = await send(url, update, options);
      assert.deepEqual([invalid.code, invalid.field], ['VALIDATION_FAILED', 'phoneNumber'], text);
      if (gateway.checks) return;
      const { extensions: [scope] } = await send(url, '{ users { nodes { id } } }', { token: user.accessToken });
      assert.deepEqual([scope.code, scope.reason, scope.requiredScopes], ['FORBIDDEN', 'MISSING_SCOPE', ['users:read']]);
    });

    test('a user that another service names is shown to callers who may see them', async () => {
      const seen = await ask(url, champion, { token: admin.accessToken });
      assert.deepEqual(seen.champion, { id: admin.user.id, email: users.admin.email, metadata: {} });
    });

    for (const [who, options] of Object.entries(outsiders)) {
      test(`${who} gets no data`, async () => {
        const variables = { id: admin.user.id };
        assertNothing(await send(url, everything, { ...options(), variables }), 'everything');
        assertNothing(await send(url, '{ users { nodes { email } } }', options()), 'users');
        assertNothing(await send(url, '{ notes { nodes { text author { email } } } }', options()), 'notes');
        assertNothing(await send(url, `{ _entities(representations: [{ __typename: "User", id: "${admin.user.id}" }]) {
          ... on User { email } } }`, options()), '_entities');
        const named = await send(url, champion, options());
        assertNothing(named, 'champion');
        // The other service returns the identifier, and one gateway passes it on.
        assertOnlyKey(named);
      });
    }

    test('a user without the scope sees themselves', async () => {
      const options = { token: user.accessToken, variables: { id: admin.user.id } };
      const { data } = await send(url, 'query ($id: ID!) { user(id: $id) { email } me { email } }', options);
      assert.deepEqual(data, { user: null, me: { email: users.user.email } });
    });

    for (const [who, tokenOfCaller] of Object.entries(unscoped)) {
      test(`${who} without the scope sees no other user, even when another service names them`, async () => {
        const token = await tokenOfCaller();
        const named = await send(url, champion, { token });
        assertNothing(named, 'champion');
        assertOnlyKey(named);
        const list = await send(url, '{ users { nodes { email } } }', { token });
        assertNothing(list, 'users');
        assert.equal(list.codes.length, 1);
      });
    }

    test('claims in headers and extensions have no effect for signed-in users', async () => {
      const { me } = await ask(url, '{ me { email } }', { ...spoofed, token: user.accessToken });
      assert.equal(me.email, users.user.email);
    });

    test('the address of a client reaches auth-graph, and is used if the gateway is trusted', async () => {
      const address = `203.0.113.${1 + gateways.indexOf(gateway)}`;
      const headers = { 'x-forwarded-for': address };
      badges.seen.length = 0;
      await ask(url, '{ me { badges } }', { token: user.accessToken, headers });
      assert.equal(badges.seen[0]['x-forwarded-for'], gateway.keepsAddresses ? address : `${address}, 127.0.0.1`);
      const signingIn = 'mutation ($input: LoginInput!) { login(input: $input) { __typename } }';
      await ask(url, signingIn, { variables: { input: users.staff }, headers });
      const events = 'query ($ipAddress: String) { loginEvents(filter: { ipAddress: $ipAddress }) { nodes { kind userId } } }';
      const { loginEvents } = await ask(authUrl, events, { token: admin.accessToken, variables: { ipAddress: address } });
      assert.equal(loginEvents.nodes.length, 1, JSON.stringify(loginEvents));
    });

    test('no header of a client except its token reaches a service', async () => {
      badges.seen.length = 0;
      const headers = { ...spoofed.headers, cookie: 'auth_graph_refresh=stolen', 'x-csrf-token': 'stolen' };
      await ask(url, '{ me { badges } }', { token: user.accessToken, headers });
      assert.equal(badges.seen.length, 1);
      assert.equal(badges.seen[0].authorization, `Bearer ${user.accessToken}`);
      assert.deepEqual(Object.keys({ cookie: '', ...headers }).filter((name) => badges.seen[0][name]), []);
    });

    test('an invalid token does not prevent signing in, and is reported with its code', async () => {
      const signingIn = 'mutation ($input: LoginInput!) { login(input: $input) { __typename } }';
      const bad = { outdated: 'TOKEN_INVALID', [services.expired]: 'TOKEN_EXPIRED' };
      for (const [token, code] of Object.entries({ ...bad, [`${user.accessToken.slice(0, -8)}AAAAAAAA`]: 'TOKEN_INVALID' })) {
        const { login } = await ask(url, signingIn, { variables: { input: users.staff }, token });
        assert.equal(login.__typename, 'TokenPair');
        const { codes, text } = await send(url, '{ me { email } }', { token });
        assert.deepEqual(codes, [code], text);
      }
    });

    if (gateway.subscribes) {
      test('changes of users arrive through it', async () => {
        const options = { token: await tokenOf(authUrl, services.reader), signal: AbortSignal.timeout(patience) };
        const changes = subscribe(url, 'subscription { userChanges { kind user { id firstName } } }', options);
        const current = (await changes.next()).value;
        assert.equal(current.data?.userChanges.kind, 'CURRENT', JSON.stringify(current));
        const firstName = `Ada ${Date.now()}`;
        const rename = 'mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { user { id } } }';
        await ask(authUrl, rename, { token: user.accessToken, variables: { input: { firstName } } });
        for await (const { data } of changes) {
          if (data.userChanges.kind !== 'CURRENT') {
            assert.deepEqual(data.userChanges, { kind: 'USER_UPDATED', user: { id: user.user.id, firstName } });
            break;
          }
        }
      });

      test('changes require the scope', async () => {
        for (const token of [undefined, 'outdated', user.accessToken, staff.accessToken]) {
          const options = { token, signal: AbortSignal.timeout(patience) };
          const { value } = await subscribe(url, 'subscription { userChanges { kind user { email } } }', options).next();
          assert.ok(value.errors?.length > 0 && !value.data?.userChanges, JSON.stringify(value));
        }
      });
    }

    test(`a field that only directives protect is ${gateway.checks ? 'rejected' : 'open'}`, async () => {
      const anonymous = await send(url, '{ badgeCount me { badges } }', {});
      const unscoped = await send(url, '{ me { reports } }', { token: user.accessToken });
      if (gateway.checks) {
        assert.ok(anonymous.errors?.length && !anonymous.data?.me, anonymous.text);
        assert.ok(!unscoped.text.includes('a report'), unscoped.text);
      } else {
        assert.deepEqual(unscoped.data, { me: { reports: ['a report'] } }, unscoped.text);
      }
    });
  });
}
