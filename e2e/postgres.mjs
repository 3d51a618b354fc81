// A PostgreSQL server of a test, with its superuser's password in a file, as its image has it.
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const programs = readdirSync('/usr/lib/postgresql').map((version) => `/usr/lib/postgresql/${version}/bin`).at(-1);

/** Starts a server at a port of 127.0.0.1, as the user `postgres`, because it refuses to run as root. */
export function startPostgres(folder, port, passwordFile) {
  mkdirSync(folder, { recursive: true });
  execFileSync('chown', ['postgres', folder]);
  const run = (program, ...args) =>
    execFileSync('runuser', ['-u', 'postgres', '--', join(programs, program), ...args], { cwd: folder, stdio: 'pipe' });
  const data = join(folder, 'data');
  const password = join(folder, 'password');
  execFileSync('install', ['--owner', 'postgres', '--mode', '0400', passwordFile, password]);
  run('initdb', '--pgdata', data, '--username', 'postgres', '--pwfile', password, '--auth', 'scram-sha-256', '--encoding', 'UTF8', '--no-sync');
  appendFileSync(join(data, 'postgresql.conf'), `port = ${port}\nunix_socket_directories = '${folder}'\nfsync = off\n`);
  run('pg_ctl', '--pgdata', data, '--log', join(folder, 'log'), '--silent', '--wait', 'start');
  return { stop: () => run('pg_ctl', '--pgdata', data, '--mode', 'fast', '--silent', '--wait', 'stop') };
}
