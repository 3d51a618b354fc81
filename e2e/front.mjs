// The reverse proxy in front of the services in production: one https server for many hosts, which records the requests
// that it forwards.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';

/** Starts the server. `routes` maps a host and a path, such as `www.example.com/graphql`, to the URL of a service. */
export async function startFront(folder) {
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name));
  const subject = ['-subj', '/CN=example.com', '-days', '2'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  execFileSync('openssl', ['req', '-x509', '-nodes', ...curve, ...subject, '-keyout', key, '-out', cert], { stdio: 'pipe' });

  const routes = {};
  const seen = [];
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (incoming, outgoing) => {
    const host = incoming.headers.host.split(':')[0];
    const target = routes[`${host}${incoming.url}`];
    if (!target) {
      outgoing.writeHead(200, { 'content-type': 'text/html' });
      outgoing.end('<!doctype html><title>A page</title><link rel="icon" href="data:,">');
      return;
    }
    const entry = { method: incoming.method, origin: incoming.headers.origin, cookie: incoming.headers.cookie ?? '' };
    seen.push(entry);
    const options = { method: incoming.method, headers: incoming.headers };
    const passed = request(new URL(incoming.url, target), options, (answer) => {
      Object.assign(entry, { status: answer.statusCode, setCookie: answer.headers['set-cookie'] ?? [] });
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.writeHead(502).end());
    incoming.pipe(passed);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  return {
    routes,
    seen,
    port,
    urlOf: (host) => `https://${host}:${port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
