import { dirname } from 'node:path';
import type { RecordingEncryption } from '../domain/recording-keys.ts';
import { newDataKey, wrapDataKey } from '../envelope/data-key.ts';
import { makeEnvelope } from '../envelope/envelope.ts';
import { keepDataKey } from '../envelope/node-key.ts';
import { RecordSealer } from '../envelope/record.ts';
import { identityOf } from './header.ts';

/** What a new recording is encrypted with: the first line of its file, and what makes the others. */
export interface CastEnvelope {
  readonly line: Buffer;
  readonly sealer: RecordSealer;
}

/**
 * Makes the data key of a new recording at `path`, and keeps it beside it for as long as it is written;
 * `header`: the asciicast's. Rejects when that cannot be written.
 */
export async function encloseCast(
  path: string,
  header: string,
  { recipients, nodeKey }: RecordingEncryption,
): Promise<CastEnvelope> {
  const identity = identityOf(header);
  if (identity === null)
    throw new Error(`the header of a recording in ${dirname(path)} says not whose it is`);
  const dataKey = newDataKey();
  const envelope = makeEnvelope({
    content: 'recording',
    ...identity,
    recipients,
    wrapped: await wrapDataKey(dataKey, recipients),
  });
  await keepDataKey(path, { envelope, dataKey, nodeKey });
  return { line: envelope.line, sealer: new RecordSealer(dataKey, envelope) };
}
