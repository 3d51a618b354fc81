// A bare Debian machine: the file tree that scripts/debian-root makes, and units of systemd that are started as systemd
// would start them. systemd itself does not run in it.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { patience } from './processes.mjs';

const scripts = join(dirname(fileURLToPath(import.meta.url)), '..', 'scripts');

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

// Changes the root in a mount namespace of its own. With a folder that can be written, everything else is read-only.
const script = `set -e
tree=$1; writable=$2; shift 2
mount --bind "$tree" "$tree"
mount -t proc proc "$tree/proc"
mount --bind /dev "$tree/dev"
if [ -n "$writable" ]; then
  mount --bind "$tree$writable" "$tree$writable"
  mount -o remount,ro,bind "$tree"
fi
cd "$tree"
pivot_root . mnt
exec chroot . "$@"`;

const inTree = (tree, writable, command) => ['--mount', 'sh', '-c', script, 'sh', tree, writable, ...command];

/** Unpacks a bare machine in a folder. */
export function bareMachine(tree) {
  mkdirSync(tree, { recursive: true });
  const archive = execFileSync(join(scripts, 'debian-root'), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
  execFileSync('tar', ['--extract', '--file', archive, '--directory', tree]);
  copyFileSync('/etc/hosts', join(tree, 'etc/hosts'));
  /** Runs a command on the machine, as root. */
  const run = (command, { env = {}, input } = {}) => {
    return spawnSync('unshare', inTree(tree, '', command), { env: { PATH: path, ...env }, input, encoding: 'utf8' });
  };
  return { tree, run };
}

/** Reads a unit with its drop-ins: the lists of values by key. */
function readUnit(tree, name) {
  const files = [`usr/lib/systemd/system/${name}.service`, `etc/systemd/system/${name}.service.d/secrets.conf`];
  const settings = {};
  for (const file of files.map((file) => join(tree, file)).filter(existsSync)) {
    for (const line of readFileSync(file, 'utf8').split('\n').filter((line) => /^\w+=./.test(line))) {
      const [key] = line.split('=');
      (settings[key] ??= []).push(line.slice(key.length + 1));
    }
  }
  return settings;
}

/** Starts a unit as a user that exists only while it runs, with its state, its secrets and nothing else that it can write. */
export async function startUnit({ tree }, name, user, url) {
  const unit = readUnit(tree, name);
  const [state] = unit.StateDirectory;
  const folder = `/var/lib/private/${state}`;
  mkdirSync(join(tree, folder), { recursive: true, mode: 0o755 });
  execFileSync('chown', ['--recursive', `${user}:${user}`, join(tree, folder)]);
  if (!existsSync(join(tree, 'var/lib', state))) symlinkSync(`private/${state}`, join(tree, 'var/lib', state));
  const credentials = `/run/credentials/${name}.service`;
  mkdirSync(join(tree, credentials), { recursive: true });
  for (const [id, file] of (unit.LoadCredential ?? []).map((line) => line.split(':'))) {
    const copy = join(tree, credentials, id);
    writeFileSync(copy, readFileSync(join(tree, file)));
    execFileSync('chown', [`${user}:${user}`, copy]);
    execFileSync('chmod', ['0400', copy]);
  }
  const expand = (value) => value.replaceAll('%S', '/var/lib').replaceAll('%d', credentials);
  const env = { PATH: path };
  for (const line of unit.Environment) env[line.split('=')[0]] = expand(line.slice(line.indexOf('=') + 1));
  const ids = ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups', '--no-new-privs', '--bounding-set=-all'];
  const inFolder = ['env', `--chdir=${expand(unit.WorkingDirectory[0])}`];
  const command = [...ids, ...inFolder, ...unit.ExecStart[0].split(' ')];
  const service = spawn('unshare', inTree(tree, folder, command), { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [service.stdout, service.stderr]) stream.on('data', (chunk) => (output += chunk));
  const ended = new Promise((resolve) => service.on('exit', resolve));
  const deadline = Date.now() + patience;
  while (!(await fetch(url).catch(() => undefined))?.ok) {
    if (service.exitCode !== null || Date.now() > deadline) throw new Error(`${name} does not answer at ${url}:\n${output}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const stop = async () => {
    service.kill();
    return ended;
  };
  return { pid: service.pid, output: () => output, stop };
}
