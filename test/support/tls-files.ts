import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { the } from './requirements.ts';
import { must } from './run.ts';
import type { Scratch } from './scratch.ts';

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

const USES = { server: 'serverAuth', client: 'clientAuth' } as const;

/** `NAME.pem` of the authority for `NAME-key.pem`, good for so many days from now. */
async function sign(
  files: Scratch,
  { use, name, days }: { use: keyof typeof USES; name: string; days: number },
): Promise<void> {
  const openssl = (...args: readonly string[]) => must(the('openssl'), args, { cwd: files.path });
  const more = `subjectAltName=IP:127.0.0.1\nextendedKeyUsage=${USES[use]}\n`;
  writeFileSync(files.join(`${name}.cnf`), more);
  const request = ['-subj', `/CN=${use}`, '-out', `${name}.csr`];
  await openssl('req', '-new', ...KEY, '-keyout', `${name}-key.pem`, ...request);
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-days', `${days}`];
  const made = ['-extfile', `${name}.cnf`, '-in', `${name}.csr`, '-out', `${name}.pem`];
  await openssl('x509', '-req', ...signed, ...made);
}

/** `late.pem` and `late-key.pem`, as `certificates` makes them, but their time was over yesterday. */
export function expired(files: Scratch, use: keyof typeof USES): Promise<void> {
  return sign(files, { use, name: 'late', days: -1 });
}

/**
 * `ca.pem`; a certificate of it for a server (`server.pem`, `server-key.pem`); and for who speaks to it, whom it
 * calls `client`, with the authority in `certs/` as Docker names them.
 */
export async function certificates(files: Scratch): Promise<void> {
  const openssl = (...args: readonly string[]) => must(the('openssl'), args, { cwd: files.path });
  const ca = ['-x509', '-subj', '/CN=authority', '-days', '2'];
  await openssl('req', ...ca, ...KEY, '-keyout', 'ca-key.pem', '-out', 'ca.pem');
  for (const use of ['server', 'client'] as const) await sign(files, { use, name: use, days: 2 });
  mkdirSync(files.join('certs'));
  await must('cp', ['ca.pem', 'certs/ca.pem'], { cwd: files.path });
  renameSync(files.join('client.pem'), files.join('certs/cert.pem'));
  renameSync(files.join('client-key.pem'), files.join('certs/key.pem'));
  chmodSync(files.join('certs/key.pem'), 0o600);
}
