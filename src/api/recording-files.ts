import { PosternError } from '../domain/errors.ts';
import { formatId } from '../domain/ids.ts';
import type { Recording, Session } from '../domain/session.ts';
import type { Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { seenSession } from './terminate.ts';

/** A recording that the caller may see, with the session that it is of. */
export interface FoundRecording {
  readonly session: Session;
  readonly recording: Recording;
  /** Bytes that are whole, now. */
  readonly size: number;
}

/** The recording of `channel`, or of the first channel that has one. Throws `recording.none`. */
async function pick(deps: ApiDeps, id: number, channel: number | undefined): Promise<Recording> {
  const recordings = await deps.store.sessions.recordings(id);
  const usable = recordings.filter(({ state }) => state !== 'failed');
  const wanted =
    channel === undefined ? usable[0] : usable.find((recording) => recording.channel === channel);
  if (wanted === undefined) throw new PosternError('recording.none', { id: formatId('sess', id) });
  return wanted;
}

/** Throws `thing.not_found`, `recording.none` or `recording.missing`. */
export async function findRecording(
  deps: ApiDeps,
  caller: Caller,
  id: number,
  channel: number | undefined,
): Promise<FoundRecording> {
  const session = await seenSession(deps, caller, id);
  const recording = await pick(deps, id, channel);
  const stored = await deps.recordings.stat(recording.key);
  if (stored === null) throw new PosternError('recording.missing', { id: formatId('sess', id) });
  return { session, recording, size: stored.size };
}
