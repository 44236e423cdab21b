import type { Config } from '../config/load.ts';
import { type SecretKeys, serverKeys } from '../control/secret-key.ts';
import { namesOfRecipients } from '../domain/age-key.ts';
import { PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { RecordingEncryption, RecordingKeys } from '../domain/recording-keys.ts';
import { newDataKey, recipientsOf, wrapDataKey } from '../envelope/data-key.ts';
import { KeyRing } from '../envelope/key-ring.ts';
import { nodeKeyOf } from '../envelope/node-key.ts';
import { identitiesIn } from './identity-file.ts';

/** How recordings are encrypted here, and what they are opened with. */
export interface RecordingCrypto {
  /** Null: new recordings are not encrypted. */
  readonly encryption: RecordingEncryption | null;
  readonly keys: RecordingKeys;
  /** The same keys. */
  readonly ring: KeyRing;
}

/**
 * As the settings want it. Rejects with `recording.identity` when the file of POSTERN_RECORDING_IDENTITY
 * cannot be read, can be read by others or holds no identity, and when nothing can be encrypted to a
 * recipient; the message never holds a key.
 */
export async function openRecordingCrypto(
  config: Pick<Config, 'recordingRecipients' | 'recordingIdentity'>,
  secret: SecretKeys,
  log: Logger,
): Promise<RecordingCrypto> {
  const { recordingRecipients: recipients, recordingIdentity: file } = config;
  const { secretKey, otherKeys } = serverKeys(secret);
  const nodeKeys = [secretKey, ...otherKeys].map(nodeKeyOf);
  const identities = file === null ? [] : identitiesOf(file);
  const [nodeKey = ''] = nodeKeys;
  const keys = { nodeKeys, identities };
  const ring = new KeyRing(keys);
  if (recipients === null) return { encryption: null, keys, ring };
  // Once now: what cannot be done at the first session is said at the start.
  await wrapDataKey(newDataKey(), recipients);
  const own = await recipientsOf(identities);
  if (file !== null && !recipients.some((one) => own.includes(one))) {
    log.warn('no identity here opens what is recorded from now on', {
      recipients: namesOfRecipients(recipients),
      identities: namesOfRecipients(own),
    });
  }
  return { encryption: { recipients, nodeKey }, keys, ring };
}

function identitiesOf(file: string): readonly string[] {
  try {
    return identitiesIn(file);
  } catch (error) {
    throw new PosternError('recording.identity', { reason: reasonOf(error) }, { cause: error });
  }
}
