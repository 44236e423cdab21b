import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { the } from './requirements.ts';
import { must } from './run.ts';
import type { SshClient } from './ssh-client.ts';

export interface CertifyOptions {
  readonly principals?: string;
  readonly keyId?: string;
  readonly serial?: number;
  /** As of `ssh-keygen -V`. */
  readonly valid?: string;
  readonly host?: boolean;
  /** Each for one `-O`. */
  readonly options?: readonly string[];
  /** More of ssh-keygen's own. */
  readonly more?: readonly string[];
}

/** Signs `FILE.pub` with the authority of a private key file; answers the line of the certificate. */
export async function certify(
  authority: string,
  file: string,
  options: CertifyOptions = {},
): Promise<string> {
  const { principals, keyId = 'a key', serial, valid, host } = options;
  await must(the('ssh-keygen'), [
    '-q',
    ...['-s', authority, '-I', keyId],
    ...(principals === undefined ? [] : ['-n', principals]),
    ...(serial === undefined ? [] : ['-z', String(serial)]),
    ...(valid === undefined ? [] : ['-V', valid]),
    ...(host === true ? ['-h'] : []),
    ...(options.options ?? []).flatMap((option) => ['-O', option]),
    ...(options.more ?? []),
    `${file}.pub`,
  ]);
  return readFileSync(`${file}-cert.pub`, 'utf8').trim();
}

/** The blob of a line `TYPE BASE64 …`. */
export function blobOf(line: string): Buffer {
  return Buffer.from(line.split(' ')[1] ?? '', 'base64');
}

/** ssh options with which a client shows a certificate of its own key, kept under `name`. */
export async function withCertificate(
  client: SshClient,
  authority: string,
  options: CertifyOptions,
  name = 'certified',
): Promise<readonly string[]> {
  const file = client.path(name);
  copyFileSync(client.identity, file);
  writeFileSync(`${file}.pub`, client.publicKey);
  await certify(authority, file, options);
  return ['-o', `CertificateFile=${file}-cert.pub`];
}
