// The folder with the programs that check deploy/: helm, kubectl, promtool and the proxies.
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const python = join(here, '.venv', 'bin', 'python');
const script = join(here, '..', 'scripts', 'deploy-tools');

export const tools = execFileSync(python, [script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
