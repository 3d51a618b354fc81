// The audits of the package graphql-http, by the authors of the specification of GraphQL over HTTP.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditServer } from 'graphql-http';

for (const [name, url] of Object.entries({ 'auth-graph': process.env.AUTH_URL, 'client-graph': process.env.CLIENT_URL })) {
  test(`${name} passes every audit of the requirements and recommendations`, async () => {
    assert.ok(url, `where is ${name}?`);
    const results = await auditServer({ url: new URL('/graphql', url).href, fetchFn: fetch });
    assert.equal(results.length, 61, 'all audits were run');
    const failed = results.filter(({ status }) => status === 'error' || status === 'warn');
    assert.deepEqual(failed.map(({ name, reason }) => `${name}: ${reason}`), []);
  });
}
