// Random operations that schemathesis generates from the schemas, on separate services, because they change the
// accounts of the demo.
import { spawn } from 'node:child_process';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startProduct } from './product.mjs';

const here = dirname(fileURLToPath(import.meta.url));

test('no operation that the schemas allow causes an internal error or an unknown code', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'auth-graph-fuzz-'));
  // The random passwords would otherwise prevent the administrator from signing in again.
  const { demo, urls } = await startProduct(folder, { AUTH_GRAPH_LIMITS__ACCOUNT_ATTEMPTS: '100000' });
  try {
    const env = { ...process.env, AUTH_URL: urls['auth-graph'], CLIENT_URL: urls['client-graph'], PYTHONDONTWRITEBYTECODE: '1' };
    const pytest = spawn(join(here, '.venv', 'bin', 'pytest'), ['-q', '-p', 'no:cacheprovider', 'fuzz'], { cwd: here, env });
    let output = '';
    for (const stream of [pytest.stdout, pytest.stderr]) stream.on('data', (chunk) => (output += chunk));
    const [code] = await once(pytest, 'close');
    assert.equal(code, 0, output);
  } finally {
    demo.kill();
    rmSync(folder, { recursive: true, force: true });
  }
});
