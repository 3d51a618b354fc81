// Installs what the tests of this folder need, and runs them against the demo: `node e2e/run.mjs [FILE...]`. With
// AUTH_URL and CLIENT_URL in the environment it tests those services, and starts none. A requirement that cannot be
// installed is a failure; no test is skipped.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { names, startProduct } from './product.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..');

/** Tests of deploy/. */
const deployment = ['image', 'kubernetes', 'operations', 'packages', 'production', 'proxies'].map((name) => `${name}.test.mjs`);

function must(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', cwd: root, ...options });
  if (error || status !== 0) throw new Error(`${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}`);
}

/** Installs the missing Debian packages: the browser, faketime, virtual environments of Python, and what makes images and bare machines. */
function installPrograms() {
  const missing = [];
  if (!process.env.CHROMIUM && !existsSync('/usr/bin/chromium')) missing.push('chromium', 'fonts-liberation');
  if (!existsSync('/usr/bin/faketime')) missing.push('faketime');
  if (spawnSync('python3', ['-c', 'import ensurepip']).status !== 0) missing.push('python3-venv');
  const programs = { buildah: 'buildah', mmdebstrap: 'mmdebstrap', 'systemd-analyze': 'systemd', ip: 'iproute2' };
  for (const [program, name] of Object.entries(programs)) {
    if (!['/usr/bin', '/usr/sbin', '/bin', '/sbin'].some((folder) => existsSync(join(folder, program)))) missing.push(name);
  }
  if (missing.length === 0) return;
  const asRoot = process.getuid() === 0 ? [] : ['sudo'];
  const apt = (...args) => {
    const [command, ...rest] = [...asRoot, 'apt-get', ...args];
    must(command, rest);
  };
  apt('update');
  apt('install', '--yes', '--no-install-recommends', ...missing);
}

/** Installs the packages of requirements.txt in a virtual environment, which is created again when they change. */
function installPython() {
  const [wanted, installed] = [join(here, 'requirements.txt'), join(here, '.venv', 'requirements.txt')];
  if (existsSync(installed) && readFileSync(installed, 'utf8') === readFileSync(wanted, 'utf8')) return;
  must('python3', ['-m', 'venv', '--clear', '.venv'], { cwd: here });
  const quiet = ['--quiet', '--disable-pip-version-check'];
  must(join('.venv', 'bin', 'pip'), ['install', ...quiet, '--requirement', 'requirements.txt'], { cwd: here });
  copyFileSync(wanted, installed);
}

function buildProduct() {
  if (!existsSync(join(root, 'playground', 'dist', 'index.html'))) {
    must('npm', ['ci', '--prefix', 'playground']);
    must('npm', ['run', 'build', '--prefix', 'playground']);
  }
  const packages = names.concat('demo').flatMap((name) => ['--package', name]);
  must('cargo', ['build', '--locked', '--all-features', ...packages]);
}

async function main() {
  installPrograms();
  must('npm', ['ci', '--no-audit', '--no-fund', '--loglevel', 'error'], { cwd: here });
  installPython();
  const files = process.argv.slice(2);
  const tests = files.length > 0 ? files : readdirSync(here).filter((name) => name.endsWith('.test.mjs')).sort();
  if (tests.length === 0) throw new Error('there are no tests');
  // Several files use these at the same time, so that they are fetched before.
  if (tests.some((name) => deployment.includes(name))) {
    must(join(here, '.venv', 'bin', 'python'), ['scripts/deploy-tools']);
    must('scripts/debian-root', []);
  }

  const env = { ...process.env };
  const folder = mkdtempSync(join(tmpdir(), 'auth-graph-e2e-'));
  let product;
  try {
    if (!env.AUTH_URL || !env.CLIENT_URL) {
      buildProduct();
      product = await startProduct(folder);
      [env.AUTH_URL, env.CLIENT_URL] = names.map((name) => product.urls[name]);
    }
    must(process.execPath, ['--test', '--test-reporter', 'spec', ...tests], { cwd: here, env });
  } finally {
    product?.demo.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error.message);
    process.exit(1);
  },
);
