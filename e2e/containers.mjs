// Images of deploy/Dockerfile, built by buildah from programs that are built already, and their containers: processes in
// the file tree of the image. No registry, no container engine and no other machine is needed.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { binary } from './auth-graph.mjs';
import { patience } from './processes.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
export const deploy = join(root, 'deploy');

/** Copies the program of a service without its debugging information, which is most of it. */
export function strippedBinary(name, folder) {
  mkdirSync(folder, { recursive: true });
  const stripped = join(folder, name);
  execFileSync('strip', ['-o', stripped, binary(name)]);
  return stripped;
}

/** Builds the image of a service, and returns its configuration and the folder with its files. */
export function buildImage(name, folder) {
  const storage = ['--storage-driver', 'vfs', '--root', join(folder, 'storage'), '--runroot', join(folder, 'run')];
  const buildah = (...args) => execFileSync('buildah', [...storage, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  // This takes the place of the stage `build`, which compiles the programs in the same way as the tests do.
  const files = join(folder, 'build', 'files', name);
  execFileSync(join(deploy, 'image-files'), [strippedBinary(name, join(folder, 'programs')), files]);
  const stage = ['--build-context', `build=${join(folder, 'build')}`];
  const file = ['--file', join(deploy, 'Dockerfile'), '--target', name];
  buildah('build', '--quiet', '--isolation', 'chroot', '--format', 'docker', ...stage, ...file, '--tag', name, join(folder, 'build'));
  const container = buildah('from', '--pull-never', name).trim();
  const { Docker } = JSON.parse(buildah('inspect', '--type', 'image', name));
  return { name, config: Docker.config, tree: buildah('mount', container).trim() };
}

// Runs in a mount namespace of its own: the tree is read-only, apart from the mounts.
const script = `set -e
tree=$1; user=$2; shift 2
mount --bind "$tree" "$tree"
mount -t proc proc "$tree/proc"
while [ "$1" != -- ]; do mount --bind "$1" "$tree$2"; shift 2; done
shift
mount -o remount,ro,bind "$tree"
exec setpriv --no-new-privs chroot --userspec="$user" "$tree" "$@"`;

/** Returns the command line that runs a program of an image, and its environment. `mounts` maps places to folders. */
function commandOf(image, command, environment, mounts) {
  const mounted = Object.entries(mounts).flatMap(([place, folder]) => {
    mkdirSync(join(image.tree, place), { recursive: true });
    return [folder, place];
  });
  mkdirSync(join(image.tree, 'proc'), { recursive: true });
  cpSync('/etc/hosts', join(image.tree, 'etc/hosts'));
  const path = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
  const env = Object.fromEntries(image.config.Env.map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]));
  const args = ['--mount', 'sh', '-c', script, 'sh', image.tree, image.config.User, ...mounted, '--', ...command];
  return { args, env: { ...path, ...env, ...environment } };
}

/** Runs a command in an image until it ends, as `docker exec` or `docker run` do, and returns what it has printed. */
export function runInImage(image, command, { environment = {}, mounts = {}, input } = {}) {
  const { args, env } = commandOf(image, command, environment, mounts);
  const { status, stdout, stderr } = spawnSync('unshare', args, { env, input, encoding: 'utf8' });
  return { status, stdout, stderr };
}

/** Starts a container, and waits until the health check of its image succeeds. */
export async function startContainer(image, { environment = {}, mounts = {} } = {}) {
  const { args, env } = commandOf(image, [...image.config.Entrypoint, ...image.config.Cmd], environment, mounts);
  const service = spawn('unshare', args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [service.stdout, service.stderr]) stream.on('data', (chunk) => (output += chunk));
  const ended = new Promise((resolve) => service.on('exit', resolve));
  const check = () => {
    const [kind, ...command] = image.config.Healthcheck.Test;
    if (kind !== 'CMD') throw new Error(`${kind} needs a shell`);
    return runInImage(image, command, { environment, mounts });
  };
  const deadline = Date.now() + patience;
  while (check().status !== 0) {
    if (service.exitCode !== null || Date.now() > deadline) {
      service.kill();
      throw new Error(`${image.name} does not become healthy: ${check().stderr}\n${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const stop = async () => {
    service.kill();
    return ended;
  };
  return { output: () => output, check, stop };
}

/** Creates a folder that belongs to the user of an image, as a volume does. */
export function volume(image, folder) {
  mkdirSync(folder, { recursive: true });
  execFileSync('chown', [image.config.User, folder]);
  return folder;
}
