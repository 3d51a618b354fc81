// Webhooks, received and checked by the reference library of Standard Webhooks.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { createUser, login, startAuthGraph } from './auth-graph.mjs';
import { ask } from './graphql.mjs';

const folder = mkdtempSync(join(tmpdir(), 'auth-graph-webhooks-'));
const waiting = [];
const arrived = [];
let status = 204;
let service;
let token;
let endpoint;

const receiver = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  response.writeHead(status).end();
  const received = { headers: request.headers, body };
  const taker = waiting.shift();
  if (taker) taker(received);
  else arrived.push(received);
});

/** Waits for the next request. */
function next() {
  return arrived.length > 0 ? arrived.shift() : new Promise((resolve) => waiting.push(resolve));
}

const administer = (document, variables) => ask(service.url, document, { variables, token });

before(async () => {
  createUser(folder, '--superuser');
  service = await startAuthGraph(folder, ['webhooks.allow_loopback=true']);
  token = (await login(service.url)).accessToken;
  await once(receiver.listen(0, '127.0.0.1'), 'listening');
  const input = { url: `http://127.0.0.1:${receiver.address().port}/hooks`, eventTypes: ['user.created', 'user.updated'] };
  const document = 'mutation($input: CreateWebhookInput!) { createWebhook(input: $input) { secret webhook { id } } }';
  const made = (await administer(document, { input })).createWebhook;
  endpoint = { id: made.webhook.id, secret: made.secret };
});

after(async () => {
  await service?.stop();
  receiver.close();
  rmSync(folder, { recursive: true, force: true });
});

async function create(email) {
  const document = 'mutation($input: CreateUserInput!) { createUser(input: $input) { user { id email } } }';
  return (await administer(document, { input: { email } })).createUser.user;
}

test('the library accepts a delivery, and rejects a changed one', async () => {
  const made = await create('grace@example.com');
  const { headers, body } = await next();
  const library = new Webhook(endpoint.secret);
  const event = library.verify(body, headers);
  assert.equal(event.type, 'user.created');
  assert.deepEqual([event.data.user.id, event.data.user.email], [made.id, made.email]);
  assert.throws(() => library.verify(body.replace('grace', 'harry'), headers), WebhookVerificationError);
  assert.throws(() => library.verify(body, { ...headers, 'webhook-id': 'msg_other' }), WebhookVerificationError);
  const other = new Webhook(`whsec_${Buffer.alloc(32).toString('base64')}`);
  assert.throws(() => other.verify(body, headers), WebhookVerificationError);
});

test('a failed request is repeated with the same identifier, and is accepted', async () => {
  status = 503;
  await create('edsger@example.com');
  const first = await next();
  status = 204;
  const second = await next();
  assert.equal(second.headers['webhook-id'], first.headers['webhook-id']);
  for (const { headers, body } of [first, second]) new Webhook(endpoint.secret).verify(body, headers);
});

test('during a rotation the library accepts both secrets', async () => {
  const document = 'mutation($id: ID!) { rotateWebhookSecret(id: $id) { secret } }';
  const { secret } = (await administer(document, { id: endpoint.id })).rotateWebhookSecret;
  assert.notEqual(secret, endpoint.secret);
  await create('barbara@example.com');
  const { headers, body } = await next();
  for (const good of [secret, endpoint.secret]) new Webhook(good).verify(body, headers);
});
