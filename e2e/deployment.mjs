// Services with the configuration of a section of docs/guides/browsers.md, on free ports and with their own data.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, patience } from './processes.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const binaries = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'debug');
const guide = readFileSync(join(root, 'docs', 'guides', 'browsers.md'), 'utf8');

export const user = { email: 'ada@example.com', password: 'correct horse battery staple' };

/** Returns the files in a section of the guide, by name. */
function filesOf(section) {
  const text = guide.split(`\n### ${section}\n`)[1]?.split(/\n##+ /)[0];
  if (!text) throw new Error(`the guide has no section ${section}`);
  const files = [...text.matchAll(/```toml\n# ([\w-]+)\.toml\n([\s\S]*?)```/g)];
  if (files.length === 0) throw new Error(`the section ${section} has no configuration`);
  return Object.fromEntries(files.map(([, name, content]) => [name, content]));
}

/** Starts the services of a section. Only the ports and the log level are changed. */
export async function startDeployment(section, folder, httpsPort) {
  const home = join(folder, section.replaceAll(' ', '-'));
  mkdirSync(home);
  const files = filesOf(section);
  const ports = { 8000: await freePort(), 8001: await freePort() };
  const running = [];
  const urls = {};
  for (const [name, content] of Object.entries(files)) {
    const file = join(home, `${name}.toml`);
    const configured = content
      .replace(/https:\/\/[\w.]+/g, (origin) => `${origin}:${httpsPort}`)
      .replace(/127\.0\.0\.1:(800[01])/g, (_, port) => `127.0.0.1:${ports[port]}`);
    writeFileSync(file, configured);
    const data = join(home, name);
    const flags = ['--config', file, '--set', `data_dir=${data}`, '--set', 'log.filter=warn'];
    const binary = join(binaries, name);
    if (name === 'auth-graph') {
      execFileSync(binary, [...flags, 'user', 'create', user.email], { cwd: home, input: `${user.password}\n` });
    }
    const service = spawn(binary, [...flags, 'serve'], { cwd: home, stdio: ['ignore', 'inherit', 'inherit'] });
    running.push(service);
    urls[name] = `http://${/bind = "(.*)"/.exec(configured)[1]}`;
    await ready(urls[name], service).catch((error) => {
      running.forEach((started) => started.kill());
      throw error;
    });
  }
  return { urls, stop: () => running.forEach((service) => service.kill()) };
}

async function ready(url, service) {
  const deadline = Date.now() + patience;
  while (Date.now() < deadline && service.exitCode === null) {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${url} does not become ready`);
}
