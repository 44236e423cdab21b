import type { Verdict } from '../domain/seal.ts';
import type { Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { note } from './journal.ts';
import { type FoundRecording, findRecording } from './recording-files.ts';

/** A recording, and what checking it came to. */
interface CheckedRecording extends FoundRecording {
  readonly verdict: Verdict;
}

/**
 * Checks a recording's file against its seals and against those that were noted while it was made.
 * One that is not what was sealed is `tampered` from now on, until it is again; both are in the audit.
 */
export async function checkRecording(
  deps: ApiDeps,
  caller: Caller,
  id: number,
  channel: number | undefined,
): Promise<CheckedRecording> {
  const found = await findRecording(deps, caller, id, channel);
  const { recording, session } = found;
  // The seals first: the file of one being written has them, and by now maybe more.
  const seals = await deps.store.seals.list(recording.id);
  const verdict = await deps.recordings.verify(recording.key, {
    keys: await deps.store.seals.keys(),
    seals,
    identity: { session: id, channel: recording.channel },
    sha256: recording.state === 'recording' ? null : recording.sha256,
  });
  const bad = verdict.state === 'tampered' ? verdict : null;
  // That its end is missing is what `truncated` says already.
  const isNews = bad !== null && !(bad.problem === 'cut' && recording.state === 'truncated');
  const now = deps.clock();
  await deps.store.sessions.recordingChecked(recording.id, isNews ? now : null);
  await note(deps.store, caller, now, 'recording.verified', {
    sessionId: id,
    machineId: session.machineId,
    detail: {
      channel: recording.channel,
      verdict: verdict.state,
      ...(bad === null ? {} : { part: bad.part, problem: bad.problem }),
    },
  });
  return { ...found, verdict };
}
