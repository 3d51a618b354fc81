// "Notes with their authors' names", for an ordinary user and behind each gateway. The names are public, and the client
// service has them in its mirror, so that auth-graph is not asked at all.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startBadges } from './badges.mjs';
import { gateways, startGateway } from './gateways.mjs';
import { ask, login, send } from './graphql.mjs';
import { people, startServices } from './services.mjs';
import { ours } from './subgraphs.mjs';

const names = ['displayName', 'pictureUrl'];
const profile = { displayName: 'Alan Turing', pictureUrl: 'https://example.com/alan.png' };
const list = (fields) => `{ notes { nodes { text author { id ${fields} } } } }`;

/** Starts a proxy that counts the requests to a subgraph. */
async function counting(target) {
  const counted = { requests: 0 };
  const server = createServer(async (request, response) => {
    counted.requests += 1;
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { authorization } = request.headers;
    const headers = { 'content-type': 'application/json', ...(authorization && { authorization }) };
    const answer = await fetch(new URL('/graphql', target), { method: 'POST', headers, body: Buffer.concat(chunks) });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') });
    response.end(await answer.text());
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = () => (server.closeAllConnections(), server.close());
  return Object.assign(counted, { url: `http://127.0.0.1:${server.address().port}/graphql`, stop });
}

let folder, services, user, staff;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'auth-graph-authors-'));
  const fields = `users.public_fields=${names}`;
  services = await startServices(folder, [fields], { 'users.public_fields': `${names}` });
  const { authUrl, clientUrl } = services;
  Object.assign(process.env, { AUTH_URL: authUrl, CLIENT_URL: clientUrl });
  [user, staff] = await Promise.all([login(authUrl, people.user), login(authUrl, people.staff)]);
  const input = { firstName: 'Alan', lastName: 'Turing', pictureUrl: profile.pictureUrl };
  const rename = 'mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { user { id } } }';
  await ask(authUrl, rename, { variables: { input }, token: staff.accessToken });
  const note = 'mutation ($text: String!) { addNote(input: { text: $text }) { note { id } } }';
  for (const [{ accessToken: token }, text] of [[staff, 'of staff'], [user, 'of user']]) {
    await ask(clientUrl, note, { variables: { text }, token });
  }
});
after(async () => {
  await services?.stop();
  rmSync(folder, { recursive: true, force: true });
});

for (const gateway of gateways) {
  describe(gateway.name, () => {
    let url, running, auth, badges;
    before(async () => {
      [auth, badges] = await Promise.all([counting(services.authUrl), startBadges(gateway, staff.user.id)]);
      const subgraphs = await ours(gateway);
      subgraphs.find(({ name }) => name === 'auth-graph').url = auth.url;
      running = await startGateway(gateway, [...subgraphs, badges], folder);
      url = running.url;
    });
    after(() => [running, auth, badges].forEach((part) => part?.stop()));

    /** Returns the answer, the author of the note of staff in it, and the number of requests to auth-graph. */
    async function listed(fields, options) {
      const before = auth.requests;
      const answer = await send(url, list(fields), options);
      const nodes = answer.data?.notes?.nodes ?? [];
      return { ...answer, nodes, author: nodes.find(({ text }) => text === 'of staff')?.author, requests: auth.requests - before };
    }

    test('a list of notes has the names of their authors, without a request to auth-graph', async () => {
      const { author, errors, requests, text } = await listed(names.join(' '), { token: user.accessToken });
      assert.deepEqual([author, errors], [{ id: staff.user.id, ...profile }, undefined], text);
      assert.equal(requests, 0);
    });

    test('a field that is not public is null with its code, and the list stays', async () => {
      const { author, nodes, codes, text } = await listed('displayName email', { token: user.accessToken });
      assert.equal(nodes.length, 2, text);
      assert.deepEqual(author, { id: staff.user.id, displayName: profile.displayName, email: null }, text);
      assert.deepEqual(nodes.find((node) => node.text === 'of user').author.email, people.user.email);
      assert.deepEqual(codes, ['FORBIDDEN'], text);
    });

    test('auth-graph answers the profile of a user that a service without a mirror names', async () => {
      const before = auth.requests;
      const { champion } = await ask(url, `{ champion { id ${names.join(' ')} } }`, { token: user.accessToken });
      assert.deepEqual(champion, { id: staff.user.id, ...profile });
      assert.equal(auth.requests - before, 1);
    });

    test('an anonymous caller is told to sign in', async () => {
      const { codes, text } = await send(url, '{ champion { displayName } }', {});
      assert.ok(codes.includes('UNAUTHENTICATED') && !text.includes(profile.displayName), text);
    });
  });
}
