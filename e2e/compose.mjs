// Services of deploy/compose*.yaml in an order that their dependencies allow. Those of our images run in the files of the
// image; the others are replaced by programs of this machine, which the test starts.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { deploy, runInImage, startContainer, volume } from './containers.mjs';

/** Reads a compose file, with the variables of an environment file. */
export function readCompose(name, variables = {}) {
  const text = readFileSync(join(deploy, name), 'utf8').replace(/\$\{(\w+)(?::-([^}]*))?\}/g, (_, variable, otherwise) => {
    const value = variables[variable] ?? otherwise;
    assert.ok(value !== undefined, `${name}: ${variable} has no value`);
    return value;
  });
  return parse(text, { merge: true });
}

/** Returns the variables of an environment file. */
export function readEnvironment(file) {
  const lines = readFileSync(file, 'utf8').split('\n').filter((line) => line && !line.startsWith('#'));
  return Object.fromEntries(lines.map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]));
}

/** Returns what a service of our images runs with: environment, secrets and volumes. `folder` holds the latter two. */
export function containerOf(service, image, folder, secrets) {
  const mounts = {};
  for (const mount of service.volumes ?? []) {
    const [name, place] = mount.split(':');
    mounts[place] = volume(image, join(folder, name));
  }
  for (const place of Object.keys(image.config.Volumes)) mounts[place] ??= volume(image, join(folder, `anonymous-${image.name}`));
  if (service.secrets) {
    const own = (mounts['/run/secrets'] = join(folder, `secrets-of-${image.name}`));
    mkdirSync(own, { recursive: true });
    for (const secret of service.secrets) copyFileSync(join(secrets, secret), join(own, secret));
  }
  assert.ok(service.read_only && service.cap_drop.includes('ALL'), `${image.name} is locked`);
  return { environment: service.environment, mounts };
}

/** Starts the services of a file. `replaced` has functions that start the services with images of others. */
export async function up(compose, images, replaced, folder, secrets) {
  const running = {};
  const completed = new Set();
  const start = async (name) => {
    if (running[name] || completed.has(name)) return;
    const service = compose.services[name];
    for (const before of Object.keys(service.depends_on ?? {})) await start(before);
    if (replaced[name]) {
      running[name] = await replaced[name](service);
      return;
    }
    const container = containerOf(service, images[service.image], folder, secrets);
    if (service.restart === 'no') {
      const { status, stdout, stderr } = runInImage(images[service.image], [service.image, ...service.command], container);
      assert.equal(status, 0, `${name}: ${stdout}${stderr}`);
      completed.add(name);
    } else {
      running[name] = await startContainer(images[service.image], container);
    }
  };
  const stop = async () => {
    for (const service of Object.values(running).reverse()) await service.stop();
  };
  try {
    for (const name of Object.keys(compose.services)) await start(name);
  } catch (error) {
    await stop();
    throw error;
  }
  return { running, completed, stop };
}
