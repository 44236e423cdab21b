import type { FileHandle } from 'node:fs/promises';
import { namesOfRecipients } from '../domain/age-key.ts';
import type { KnownSeals, Verdict } from '../domain/seal.ts';
import type { Envelope } from '../envelope/envelope.ts';
import { FileBytes } from '../envelope/file-bytes.ts';
import { RecordMap } from '../envelope/record-map.ts';
import { digestOf } from './mendable.ts';

/**
 * What can be said of an encrypted file that nothing here opens: whose it says that it is, whether its
 * records follow one another to its end, and whether it is the one that was noted when it was finished. Its
 * seals are in what is encrypted.
 */
export async function verifyLocked(
  handle: FileHandle,
  envelope: Envelope,
  { identity, sha256: noted }: Pick<KnownSeals, 'identity' | 'sha256'>,
): Promise<Verdict> {
  const map = new RecordMap(new FileBytes(handle), envelope);
  const end = await map.end();
  const { rest } = await map.behind(end);
  const { size, sha256 } = await digestOf(handle);
  const bad = { state: 'tampered', part: 1, from: 0, to: end.text + rest } as const;
  if (envelope.session !== identity.session || envelope.channel !== identity.channel) {
    return { ...bad, problem: 'other_recording' };
  }
  if (noted !== null && noted !== sha256) return { ...bad, problem: 'other_file' };
  if (noted === null && rest > 0) return { ...bad, problem: 'not_its_record' };
  const recipients = namesOfRecipients(envelope.recipients);
  return { state: 'locked', records: end.number, size, sha256, recipients };
}
