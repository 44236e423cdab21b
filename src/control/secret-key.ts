import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { decodeSecretKey, type Secret } from '../domain/secret.ts';
import { keptFile } from './kept-file.ts';

/**
 * The 32 bytes that encrypt stored credentials: the configured ones (POSTERN_SECRET_KEY), or those in
 * DATA_DIR/secret-key, made on first start with mode 0600. Throws when the text is no key, or when
 * others may read the file; the message never holds the key.
 */
export function loadSecretKey(configured: Secret | null, dataDir: string): Buffer {
  const file = join(dataDir, 'secret-key');
  const text =
    configured?.expose() ?? keptFile(file, () => `${randomBytes(32).toString('base64')}\n`).trim();
  const bytes = decodeSecretKey(text);
  if (bytes !== null) return Buffer.from(bytes);
  const where = configured === null ? file : 'POSTERN_SECRET_KEY';
  throw new Error(
    `${where} does not hold 32 bytes as base64 or hex; without the right key, stored credentials cannot be read`,
  );
}
