import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { constants, open, readFile, rename, rm } from 'node:fs/promises';
import type { Envelope } from './envelope.ts';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

/** What keeps the data keys of recordings that are being written: made of the node's secret key. */
export function nodeKeyOf(secretKey: Buffer): string {
  const key = hkdfSync('sha256', secretKey, '', 'postern data keys of open recordings v1', 32);
  return Buffer.from(key).toString('base64');
}

/** Beside a recording's file, as long as it is written or waits for its repair. */
function keyFile(path: string): string {
  return `${path}.open`;
}

function draftFile(path: string): string {
  return `${keyFile(path)}.new`;
}

/** On disk when it resolves; its name is once the directory was synced. */
export async function keepDataKey(
  path: string,
  { envelope, dataKey, nodeKey }: { envelope: Envelope; dataKey: Buffer; nodeKey: string },
): Promise<void> {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, Buffer.from(nodeKey, 'base64'), nonce);
  cipher.setAAD(envelope.hash);
  const body = Buffer.concat([cipher.update(dataKey), cipher.final()]);
  const text = Buffer.concat([nonce, body, cipher.getAuthTag()]).toString('base64');
  // Whole or not at all: one that is there is replaced when the secret key changes.
  const draft = draftFile(path);
  const handle = await open(draft, FLAGS, 0o600);
  try {
    await handle.writeFile(`${text}\n`);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(draft, keyFile(path));
}

/** Null: it is not there. `other_key`: none of the keys opens it. */
export async function keptDataKey(
  path: string,
  envelope: Envelope,
  nodeKeys: readonly string[],
): Promise<Buffer | null | 'other_key'> {
  const text = await readFile(keyFile(path), 'latin1').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  const packed = Buffer.from(text, 'base64');
  for (const nodeKey of nodeKeys) {
    const key = unsealed(packed, envelope, nodeKey);
    if (key !== null) return key;
  }
  return 'other_key';
}

function unsealed(packed: Buffer, envelope: Envelope, nodeKey: string): Buffer | null {
  if (packed.length < NONCE_BYTES + TAG_BYTES) return null;
  const key = Buffer.from(nodeKey, 'base64');
  const nonce = packed.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(envelope.hash)
    .setAuthTag(packed.subarray(-TAG_BYTES));
  try {
    const opened = decipher.update(packed.subarray(NONCE_BYTES, -TAG_BYTES));
    return Buffer.concat([opened, decipher.final()]);
  } catch {
    return null;
  }
}

/** From now on this node opens the recording no more, unless it has an identity. Idempotent. */
export async function forgetDataKey(path: string): Promise<void> {
  // A draft that a crash has left, too.
  for (const file of [draftFile(path), keyFile(path)]) await rm(file, { force: true });
}
