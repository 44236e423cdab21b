import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keptFile } from '../control/kept-file.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { RepairRecording } from '../domain/recording.ts';
import { NO_KEYS } from '../domain/recording-keys.ts';
import type { SealingKey, SealStore } from '../domain/seal.ts';
import { KeyRing } from '../envelope/key-ring.ts';
import { repairRecording } from '../recorder/repair.ts';
import { newSigningKey, Signer } from '../recorder/signer.ts';

const KEY_FILE = 'recording_seal_key';

/** How this node seals its recordings. */
export interface Sealing {
  /** PKCS #8 as PEM. */
  readonly privatePem: string;
  readonly publicKey: SealingKey;
  /** Repairs what a crash left open, as far as the noted seals allow; `ring` opens encrypted ones. */
  readonly repairer: (seals: Pick<SealStore, 'ofFile'>, ring?: KeyRing) => RepairRecording;
}

/** The public key's file, PEM. */
export function sealingKeyFile(dataDir: string): string {
  return join(dataDir, `${KEY_FILE}.pub`);
}

/** Throws when the key's file, DATA_DIR/recording_seal_key, cannot be made, or others may read it. */
export function openSealing(dataDir: string, recordings: string, log: Logger): Sealing {
  const privatePem = keptFile(join(dataDir, KEY_FILE), newSigningKey);
  const signer = new Signer(privatePem);
  // For who verifies elsewhere; nothing reads it here but `postern recording verify`.
  writeFileSync(sealingKeyFile(dataDir), signer.public.publicPem, { mode: 0o644 });
  return {
    privatePem,
    publicKey: signer.public,
    repairer:
      (seals, ring = new KeyRing(NO_KEYS)) =>
      async (key, left = 'recovered') => {
        try {
          const noted = await seals.ofFile(key);
          const means = { signer, noted, left, ring };
          const { reason, ...repaired } = await repairRecording(recordings, key, means);
          if (reason !== null) log.error('a recording could not be repaired', { key, reason });
          return repaired;
        } catch (error) {
          const reason = reasonOf(error);
          log.error('a recording cannot be repaired now; it will be tried again', {
            key,
            reason,
          });
          return null;
        }
      },
  };
}
