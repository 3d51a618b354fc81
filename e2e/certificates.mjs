// Certificates of an authority that a test makes.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Makes `ca.pem`, and `HOST.pem` with `HOST.key`, in a folder. Returns their contents. */
export function makeCertificate(folder, host) {
  mkdirSync(folder, { recursive: true });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const openssl = (...args) => execFileSync('openssl', ['req', '-x509', ...key, ...args], { cwd: folder, stdio: 'pipe' });
  openssl('-subj', '/CN=authority', '-keyout', 'ca.key', '-out', 'ca.pem');
  const names = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`, '-addext', 'basicConstraints=CA:FALSE'];
  openssl(...names, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-keyout', `${host}.key`, '-out', `${host}.pem`);
  const [ca, certificate, privateKey] = ['ca.pem', `${host}.pem`, `${host}.key`].map((name) => readFileSync(join(folder, name)));
  return { ca, cert: certificate, key: privateKey };
}
