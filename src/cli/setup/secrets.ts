import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { isMap } from 'yaml';
import type { Environment } from '../../config/environment.ts';
import type { Entry, SetupReader } from './reader.ts';

const FORMS = 'write { env: NAME } or { file: PATH }';

/** Bytes; a private key of RSA 16384 has some 13,000. */
const LARGEST = 65_536;

/** Where secrets come from: never from the set-up file itself. */
export interface SecretSources {
  readonly env: Environment;
  /** Paths of secrets start here: where the set-up file lies. */
  readonly directory: string;
}

/** The text of a file, without the newline at its end; or why there is none. */
export function readSecretFile(
  path: string,
): { readonly text: string } | { readonly problem: string } {
  try {
    if (statSync(path).size > LARGEST) return { problem: `has more than ${LARGEST} bytes` };
    return { text: readFileSync(path, 'utf8').replace(/\r?\n$/, '') };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    return { problem: `cannot be read (${code})` };
  }
}

/** The secret that `{ env: NAME }` or `{ file: PATH }` stands for; null when refused. */
export function readSecret(
  reader: SetupReader,
  entry: Entry,
  sources: SecretSources,
): string | null {
  if (!isMap(entry.node)) {
    reader.refuse(entry, `must not stand in this file: ${FORMS}`);
    return null;
  }
  const fields = reader.map(entry, { known: ['env', 'file'] });
  const [env, file] = [fields.get('env'), fields.get('file')];
  if ((env === undefined) === (file === undefined)) {
    reader.refuse(entry, `must have one of env and file: ${FORMS}`);
    return null;
  }
  const from = env ?? file;
  const name = from === undefined ? null : reader.text(from);
  if (from === undefined || name === null) return null;
  return env === undefined
    ? fromFile(reader, from, resolve(sources.directory, name))
    : fromVariable(reader, from, name, sources.env);
}

function fromVariable(
  reader: SetupReader,
  entry: Entry,
  name: string,
  env: Environment,
): string | null {
  const text = env[name];
  if (text !== undefined && text !== '') return text;
  reader.refuse(entry, `the variable ${name} is not set`);
  return null;
}

function fromFile(reader: SetupReader, entry: Entry, path: string): string | null {
  const read = readSecretFile(path);
  if ('text' in read && read.text !== '') return read.text;
  reader.refuse(entry, `the file ${path} ${'problem' in read ? read.problem : 'is empty'}`);
  return null;
}

/** Why a text is no private key that can be used unattended; null when it is one. Never repeats it. */
export function privateKeyProblem(text: string): string | null {
  if (/^(?:ssh-|ecdsa-)/.test(text)) return 'is a public key; name the file without .pub';
  const body = /-----BEGIN ([A-Z0-9 ]*)PRIVATE KEY-----\s+([^-]*)-----END /.exec(text);
  if (body === null) return 'is no private key in OpenSSH or PEM form';
  const [, kind = '', base64 = ''] = body;
  const passphrase = 'has a passphrase; take it off with ssh-keygen -p -N ""';
  if (kind.startsWith('ENCRYPTED') || /^Proc-Type: 4,ENCRYPTED/m.test(text)) return passphrase;
  if (!kind.startsWith('OPENSSH')) return null;
  // openssh-key-v1: the magic, then the name of the cipher (PROTOCOL.key of OpenSSH).
  const bytes = Buffer.from(base64, 'base64');
  const magic = 'openssh-key-v1\0'.length;
  if (bytes.length < magic + 8) return 'is cut short';
  const cipher = bytes.subarray(magic + 4, magic + 4 + Math.min(64, bytes.readUInt32BE(magic)));
  return cipher.toString('latin1') === 'none' ? null : passphrase;
}
