// auth-graph and client-graph with their own users, for tests that need more than the demo: an expired access token,
// and a service that reads the feed.
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { binary, login, startAuthGraph } from './auth-graph.mjs';
import { freePort, startProgram } from './processes.mjs';

const password = 'correct horse battery staple';

export const people = {
  admin: { email: 'admin@example.com', password },
  staff: { email: 'staff@example.com', password },
  user: { email: 'user@example.com', password },
};

/**
 * Starts both services with settings for auth-graph and for client-graph. `expired` is an expired access token of
 * `people.user`, and `reader` may read the feed.
 */
export async function startServices(folder, settings = [], clientSettings = {}) {
  const data = join(folder, 'auth-graph');
  const run = (...args) =>
    execFileSync(binary('auth-graph'), ['--set', `data_dir=${data}`, ...args], { encoding: 'utf8', input: `${password}\n` });
  const bind = `server.bind=127.0.0.1:${await freePort()}`;
  // The clock is ten minutes late, so that tokens with a lifetime of five minutes have expired after the restart.
  const earlier = await startAuthGraph(data, [bind, ...settings], '10m');
  run('user', 'create', people.admin.email, '--superuser');
  run('user', 'create', people.staff.email, '--staff');
  run('user', 'create', people.user.email);
  const [, id, secret] = /client_id=(\S+)\s+client_secret=(\S+)/.exec(run('client', 'create', 'reader', '--scope', 'feed:read'));
  const expired = (await login(earlier.url, people.user)).accessToken;
  await earlier.stop();
  // Other tokens are valid for as long as a slow machine needs for all tests of a file.
  const auth = await startAuthGraph(data, [bind, 'tokens.access_lifetime=1h', ...settings]);

  const clientUrl = `http://127.0.0.1:${await freePort()}`;
  const of = { data_dir: join(folder, 'client-graph'), 'server.bind': new URL(clientUrl).host, 'auth.url': auth.url, ...clientSettings };
  const flags = Object.entries(of).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  const client = await startProgram(binary('client-graph'), ['serve', ...flags], `${clientUrl}/readyz`).catch(async (error) => {
    await auth.stop();
    throw error;
  });
  const stop = async () => {
    client.stop();
    await auth.stop();
  };
  return { authUrl: auth.url, clientUrl, expired, reader: { id, secret }, stop };
}

/** Returns an access token of a service client. */
export async function tokenOf(authUrl, { id, secret }) {
  const answer = await fetch(new URL('/oauth/token', authUrl), {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  return (await answer.json()).access_token;
}
