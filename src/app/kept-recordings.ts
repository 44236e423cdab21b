import type { Config } from '../config/load.ts';
import type { SecretKeys } from '../control/secret-key.ts';
import type { Logger } from '../domain/log.ts';
import type { RecordingFiles, RepairRecording } from '../domain/recording.ts';
import type { KeptDataKeys } from '../domain/recording-keys.ts';
import type { SealStore } from '../domain/seal.ts';
import { keptDataKeys, recordingFiles } from './recording-files.ts';
import { openRecordingCrypto, type RecordingCrypto } from './recording-keys.ts';
import type { Sealing } from './sealing.ts';

/** What lies in the directory of recordings, and what it is opened and mended with. */
export interface KeptRecordings {
  readonly crypto: RecordingCrypto;
  readonly dataKeys: KeptDataKeys;
  readonly files: RecordingFiles;
  readonly repair: RepairRecording;
}

/** Rejects as `openRecordingCrypto`. */
export async function openKeptRecordings(
  config: Config,
  secret: SecretKeys,
  parts: {
    readonly sealing: Sealing;
    readonly seals: Pick<SealStore, 'ofFile'>;
    readonly log: Logger;
  },
): Promise<KeptRecordings> {
  const { sealing, seals, log } = parts;
  const crypto = await openRecordingCrypto(config, secret, log);
  return {
    crypto,
    dataKeys: keptDataKeys(config.recordings, log),
    files: recordingFiles(config.recordings, crypto.ring),
    repair: sealing.repairer(seals, crypto.ring),
  };
}
