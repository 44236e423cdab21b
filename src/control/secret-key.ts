import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { decodeSecretKey, type Secret } from '../domain/secret.ts';
import { keptFile, readKept } from './kept-file.ts';

/** The key in force where POSTERN_SECRET_KEY is not set. */
export function secretKeyFile(dataDir: string): string {
  return join(dataDir, 'secret-key');
}

/** The key that takes its place, while it is being changed (control/secret-key-rotation.ts). */
export function nextKeyFile(dataDir: string): string {
  return join(dataDir, 'secret-key.new');
}

/** Each 32 bytes. */
export interface SecretKeys {
  readonly current: Buffer;
  /** Stored texts may be sealed under it already; null: there is none, or it is `current`. */
  readonly next: Buffer | null;
}

/**
 * What a server seals and opens with. The next key, as soon as there is one: the current one may be
 * thrown away by a change that goes on while the server starts.
 */
export function serverKeys({ current, next }: SecretKeys): {
  readonly secretKey: Buffer;
  readonly otherKeys: readonly Buffer[];
} {
  return next === null
    ? { secretKey: current, otherKeys: [] }
    : { secretKey: next, otherKeys: [current] };
}

/**
 * The keys that encrypt stored credentials: the configured one (POSTERN_SECRET_KEY), or that in
 * DATA_DIR/secret-key, made on first start with mode 0600; and that in DATA_DIR/secret-key.new. Throws
 * when a text is no key, or when others may read a file; the message never holds the key.
 */
export function loadSecretKeys(configured: Secret | null, dataDir: string): SecretKeys {
  const file = secretKeyFile(dataDir);
  const text =
    configured?.expose() ?? keptFile(file, () => `${randomBytes(32).toString('base64')}\n`);
  const current = decoded(text, configured === null ? file : 'POSTERN_SECRET_KEY');
  const nextFile = nextKeyFile(dataDir);
  const nextText = readKept(nextFile);
  const next = nextText === null ? null : decoded(nextText, nextFile);
  return { current, next: next === null || next.equals(current) ? null : next };
}

function decoded(text: string, where: string): Buffer {
  const bytes = decodeSecretKey(text.trim());
  if (bytes !== null) return Buffer.from(bytes);
  throw new Error(
    `${where} does not hold 32 bytes as base64 or hex; without the right key, stored credentials cannot be read`,
  );
}
