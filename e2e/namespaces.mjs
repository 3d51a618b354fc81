// Runs a test file in namespaces of its own: a network in which every port is free and no other machine is reached, and
// mounts that nobody else sees and that end with the tests.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const inside = 'E2E_NAMESPACES';

/**
 * Calls `define` within the namespaces, where it defines tests. `hosts` are the names of this machine there. The folder
 * is removed after the tests.
 */
export function inNamespaces(url, hosts, define) {
  const file = fileURLToPath(url);
  if (process.env[inside]) return define(process.env[inside]);
  test(`in namespaces of their own: ${file.split('/').at(-1)}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'auth-graph-namespaces-'));
    // Users of containers and of PostgreSQL reach their folders in it.
    chmodSync(folder, 0o711);
    writeFileSync(join(folder, 'hosts'), `127.0.0.1 localhost ${hosts.join(' ')}\n`);
    const prepare = `mount --bind ${folder}/hosts /etc/hosts && mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"`;
    const asRoot = process.getuid() === 0 ? [] : ['sudo', '--preserve-env'];
    const own = ['unshare', '--net', '--mount', 'sh', '-c', prepare, 'sh'];
    const [command, ...args] = [...asRoot, ...own, process.execPath, '--test', '--test-reporter', 'spec', file];
    const { NODE_TEST_CONTEXT: _, ...env } = { ...process.env, [inside]: folder };
    try {
      const { status, stdout, stderr, error } = spawnSync(command, args, { env, encoding: 'utf8', maxBuffer: 2 ** 28 });
      assert.equal(status, 0, `${error ?? ''}${stdout}${stderr}`);
    } finally {
      const [remove, ...rest] = [...asRoot, 'rm', '-rf', folder];
      execFileSync(remove, rest);
    }
  });
}
