import type { Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { note } from './journal.ts';
import { findReadable } from './recording-files.ts';
import { viewFor } from './recording-view.ts';

/**
 * What the replay page plays: the events of a channel up to now. Throws as `findReadable` and
 * `viewFor` do.
 * Noted in the audit as a viewing.
 */
export async function playRecording(
  deps: ApiDeps,
  caller: Caller,
  id: number,
  channel: number,
): Promise<Response> {
  const { session, recording } = await findReadable(deps, caller, id, channel);
  const view = await viewFor(deps, caller, recording, undefined);
  await note(deps.store, caller, deps.clock(), 'recording.viewed', {
    sessionId: id,
    machineId: session.machineId,
    detail: { channel, ...(view === null ? {} : { redacted: true }) },
  });
  return new Response(deps.recordings.readForPlayback(recording.key, view ?? undefined), {
    headers: { 'Content-Type': 'application/x-asciicast', 'Cache-Control': 'no-store' },
  });
}
