import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { the } from './requirements.ts';
import { must } from './run.ts';
import type { Scratch } from './scratch.ts';

/**
 * `ca.pem`; a certificate of it for a server (`server.pem`, `server-key.pem`); and for who speaks to it, whom it
 * calls `client`, with the authority in `certs/` as Docker names them.
 */
export async function certificates(files: Scratch): Promise<void> {
  const openssl = (...args: readonly string[]) => must(the('openssl'), args, { cwd: files.path });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const ca = ['-x509', '-subj', '/CN=authority', '-days', '2'];
  await openssl('req', ...ca, ...key, '-keyout', 'ca-key.pem', '-out', 'ca.pem');
  for (const [name, use] of [
    ['server', 'serverAuth'],
    ['client', 'clientAuth'],
  ] as const) {
    writeFileSync(
      files.join(`${name}.cnf`),
      `subjectAltName=IP:127.0.0.1\nextendedKeyUsage=${use}\n`,
    );
    const request = ['-subj', `/CN=${name}`, '-out', `${name}.csr`];
    await openssl('req', '-new', ...key, '-keyout', `${name}-key.pem`, ...request);
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-days', '2'];
    const made = ['-extfile', `${name}.cnf`, '-in', `${name}.csr`, '-out', `${name}.pem`];
    await openssl('x509', '-req', ...signed, ...made);
  }
  mkdirSync(files.join('certs'));
  await must('cp', ['ca.pem', 'certs/ca.pem'], { cwd: files.path });
  renameSync(files.join('client.pem'), files.join('certs/cert.pem'));
  renameSync(files.join('client-key.pem'), files.join('certs/key.pem'));
  chmodSync(files.join('certs/key.pem'), 0o600);
}
