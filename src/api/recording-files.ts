import { PosternError } from '../domain/errors.ts';
import { formatId } from '../domain/ids.ts';
import { isThere, type Locking } from '../domain/recording.ts';
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

/**
 * The row of a recording that the caller may see, whether or not its bytes are there: that of
 * `channel`, else of the first channel that has one. Throws `thing.not_found`, `recording.none` or
 * `recording.no_channel`.
 */
export async function seenRecording(
  deps: ApiDeps,
  caller: Caller,
  id: number,
  channel: number | undefined,
): Promise<Pick<FoundRecording, 'session' | 'recording'>> {
  const session = await seenSession(deps, caller, id);
  const recordings = await deps.store.sessions.recordings(id);
  const usable = recordings.filter(({ state }) => state !== 'failed');
  const recording =
    channel === undefined
      ? (usable.find(isThere) ?? usable[0])
      : usable.find((one) => one.channel === channel);
  if (recording === undefined) {
    throw channel === undefined
      ? new PosternError('recording.none', { id: formatId('sess', id) })
      : new PosternError('recording.no_channel', { id: formatId('sess', id), channel });
  }
  return { session, recording };
}

/** Throws `recording.deleted` for one that was. */
export function refuseDeleted({ removed, sessionId }: Recording): void {
  if (removed === null) return;
  const at = removed.at.toISOString().slice(0, 10);
  const id = formatId('sess', sessionId);
  throw new PosternError('recording.deleted', { id, at, by: removed.by });
}

/** Throws what `seenRecording` does, `recording.deleted` or `recording.missing`. */
export async function findRecording(
  deps: ApiDeps,
  caller: Caller,
  id: number,
  channel: number | undefined,
): Promise<FoundRecording> {
  const { session, recording } = await seenRecording(deps, caller, id, channel);
  refuseDeleted(recording);
  const stored = await deps.recordings.stat(recording.key);
  if (stored === null) throw new PosternError('recording.missing', { id: formatId('sess', id) });
  return { session, recording, size: stored.size };
}

/** `recording.encrypted` for one that nothing here opens, else null. */
export function lockedError(recording: Recording, { lockedTo }: Locking): PosternError | null {
  if (lockedTo === null) return null;
  const id = formatId('sess', recording.sessionId);
  return new PosternError('recording.encrypted', { id, recipients: lockedTo });
}

/** Throws it. */
export function refuseLocked(recording: Recording, locking: Locking): void {
  const error = lockedError(recording, locking);
  if (error !== null) throw error;
}

/** One that can be read here, where it is then. Throws as `findRecording`, as `bring`, and `recording.encrypted`. */
export async function findReadable(
  deps: ApiDeps,
  caller: Caller,
  id: number,
  channel: number | undefined,
): Promise<FoundRecording> {
  const found = await findRecording(deps, caller, id, channel);
  const { recording } = found;
  await deps.recordings.bring(recording.key);
  refuseLocked(recording, await deps.recordings.locking(recording.key));
  return found;
}
