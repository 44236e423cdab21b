import { PosternError } from '../domain/errors.ts';
import { formatId } from '../domain/ids.ts';
import { removeRecording } from '../domain/removal.ts';
import type { Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { refuseDeleted, seenRecording } from './recording-files.ts';

/**
 * Deletes a recording of a session. Throws `recording.deleted`, `recording.held`, `recording.live`, or
 * `recording.elsewhere` where its bytes are on another node.
 */
export async function deleteRecording(
  deps: ApiDeps,
  caller: Caller,
  sessionId: number,
  channel: number | undefined,
): Promise<void> {
  const found = await seenRecording(deps, caller, sessionId, channel);
  const { recording, session } = found;
  refuseDeleted(recording);
  const id = formatId('sess', sessionId);
  const isElsewhere = session.node !== deps.node;
  if (isElsewhere && (await deps.recordings.stat(recording.key)) === null) {
    throw new PosternError('recording.elsewhere', { id, node: session.node });
  }
  const removal = await removeRecording(deps.store, deps.recordings, found, {
    by: caller.viewer.name,
    userId: caller.viewer.userId,
    source: caller.source,
    at: deps.clock(),
    detail: { why: 'asked', token: caller.viewer.token.name },
  });
  if (removal === 'held' || removal === 'live') {
    throw new PosternError(`recording.${removal}`, { id });
  }
}
