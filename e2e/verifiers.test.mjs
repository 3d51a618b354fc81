// Access tokens, verified by other libraries. They are configured only with the address of the keys, the issuer, the
// audience and the algorithm. Each must accept a valid token and reject all others.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as jose from 'jose';
import jsonwebtoken from 'jsonwebtoken';
import jwksRsa from 'jwks-rsa';
import { createUser, login, startAuthGraph, user } from './auth-graph.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const run = promisify(execFile);
const everyone = ['jose', 'jsonwebtoken and jwks-rsa', 'PyJWT', 'joserfc', 'djangorestframework-simplejwt'];
/** Libraries that do not support an algorithm are not tested with it. */
const unaware = { EdDSA: ['jsonwebtoken and jwks-rsa', 'djangorestframework-simplejwt'] };

const inNode = {
  async jose({ url, jwks, algorithm }, token) {
    const keys = jose.createRemoteJWKSet(new URL(jwks));
    const options = { issuer: url, audience: 'graph', algorithms: [algorithm], typ: 'at+jwt' };
    return (await jose.jwtVerify(token, keys, options)).payload;
  },
  async 'jsonwebtoken and jwks-rsa'({ url, jwks, algorithm }, token) {
    const keys = jwksRsa({ jwksUri: jwks });
    const find = ({ kid }, found) => keys.getSigningKey(kid).then((key) => found(null, key.getPublicKey()), found);
    const options = { issuer: url, audience: 'graph', algorithms: [algorithm] };
    return promisify(jsonwebtoken.verify)(token, find, options);
  },
};

/** Returns the claims that a library reads from each token, or null for a rejected one. */
async function verify(library, issuer, tokens) {
  if (inNode[library]) {
    return Promise.all(tokens.map((token) => inNode[library](issuer, token).catch(() => null)));
  }
  const python = join(here, '.venv', 'bin', 'python');
  const { url, jwks, algorithm } = issuer;
  // The tokens are passed by standard input, because a failure prints the command.
  const running = run(python, [join(here, 'verifiers.py'), library, url, jwks, algorithm]);
  running.child.stdin.end(tokens.join('\n'));
  return JSON.parse((await running).stdout);
}

function withClaim(token, name, value) {
  const [header, payload, signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url'));
  const changed = Buffer.from(JSON.stringify({ ...claims, [name]: value })).toString('base64url');
  return [header, changed, signature].join('.');
}

for (const algorithm of ['ES256', 'RS256', 'EdDSA']) {
  describe(algorithm, () => {
    const folder = mkdtempSync(join(tmpdir(), 'auth-graph-verifiers-'));
    let issuer, stop, pair, bad;

    before(async () => {
      const data = join(folder, 'data');
      createUser(data);
      const settings = [`tokens.algorithm=${algorithm}`, 'claims.django=true'];
      const service = await startAuthGraph(data, [...settings, 'tokens.further_audiences=["https://orders.test"]']);
      stop = service.stop;
      issuer = { url: service.url, jwks: `${service.url}/.well-known/jwks.json`, algorithm };
      pair = await login(service.url);
      const good = pair.accessToken;
      // A token of another issuer, with other keys.
      const elsewhere = join(folder, 'elsewhere');
      createUser(elsewhere);
      const other = await startAuthGraph(elsewhere, settings);
      const foreign = (await login(other.url)).accessToken;
      await other.stop();
      bad = {
        'a changed subject': withClaim(good, 'sub', crypto.randomUUID()),
        'a later end': withClaim(good, 'exp', 4102444800),
        'a shorter signature': good.slice(0, -8),
        'no signature': `${good.split('.').slice(0, 2).join('.')}.`,
        'the algorithm none': [jose.base64url.encode('{"alg":"none","typ":"at+jwt"}'), good.split('.')[1], ''].join('.'),
        'another issuer': foreign,
        'another audience': (await login(service.url, { ...user, audience: 'https://orders.test' })).accessToken,
      };
    });

    after(async () => {
      await stop?.();
      rmSync(folder, { recursive: true, force: true });
    });

    for (const library of everyone.filter((name) => !unaware[algorithm]?.includes(name))) {
      test(`${library} accepts a valid token, and no other`, async () => {
        const [claims, ...others] = await verify(library, issuer, [pair.accessToken, ...Object.values(bad)]);
        assert.ok(claims, 'the valid token is accepted');
        assert.deepEqual([claims.sub, claims.iss, claims.aud], [pair.user.id, issuer.url, 'graph']);
        assert.deepEqual([claims.user_id, claims.token_type], [pair.user.id, 'access']);
        Object.keys(bad).forEach((what, index) => assert.equal(others[index], null, what));
      });
    }
  });
}
