import { randomBytes } from 'node:crypto';
import { renameSync, rmSync } from 'node:fs';
import type { Secret } from '../domain/secret.ts';
import { keptFile, settle } from './kept-file.ts';
import { loadSecretKeys, nextKeyFile, secretKeyFile } from './secret-key.ts';

/** Seals everything under `to` that is under one of `from`, or nothing; answers how many texts. */
export type Reseal = (keys: {
  readonly to: Buffer;
  readonly from: readonly Buffer[];
}) => Promise<number>;

export interface Rotation {
  readonly texts: number;
  /** Where the new key lies. */
  readonly file: string;
  /** POSTERN_SECRET_KEY is set, and has to be set to the text of `file` now. */
  readonly toBeSet: boolean;
}

/**
 * Changes the secret key. Whenever this is cut short every text opens with the keys that
 * `loadSecretKeys` finds, and doing it again finishes it: the new key is on the disk as
 * DATA_DIR/secret-key.new before anything is sealed under it, and takes the old one's place after
 * everything is. A key that lies there already is the new one. Throws what `reseal` throws.
 */
export async function rotateSecretKey(
  configured: Secret | null,
  dataDir: string,
  reseal: Reseal,
): Promise<Rotation> {
  const next = nextKeyFile(dataDir);
  // With nothing beside it the file holds the key in force: left by an earlier change, now set.
  if (loadSecretKeys(configured, dataDir).next === null) rmSync(next, { force: true });
  keptFile(next, () => `${randomBytes(32).toString('base64')}\n`);
  // It may be one that was put there.
  for (const path of [next, dataDir]) settle(path);
  const keys = loadSecretKeys(configured, dataDir);
  if (keys.next === null) throw new Error(`${next} holds the key that is in force already`);
  const texts = await reseal({ to: keys.next, from: [keys.current] });
  if (configured !== null) return { texts, file: next, toBeSet: true };
  const file = secretKeyFile(dataDir);
  renameSync(next, file);
  settle(dataDir);
  return { texts, file, toBeSet: false };
}
