import type { LogFilter, LogPlace, SessionCommand, SessionLogEntry } from '../domain/analysis.ts';
import { isThere } from '../domain/recording.ts';
import type { Session } from '../domain/session.ts';
import type { Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { refuseLocked } from './recording-files.ts';
import { type RedactWish, seenChannels, viewFor } from './recording-view.ts';
import { shownText } from './shown-text.ts';
import { type TranscriptEntry, type TranscriptSource, transcript } from './transcript.ts';

/** After everything: the largest time that a Date has. */
const LATEST = new Date('9999-12-31T00:00:00Z');

/** Entries that are read at once where all of them are wanted. */
const AT_ONCE = 100;

/** Whether what a session's recordings hold is known, or becomes known while they go on. */
export async function isAnalysed(deps: ApiDeps, session: Session): Promise<boolean> {
  const recordings = await deps.store.sessions.recordings(session.id);
  const analyses = await deps.store.analyses.ofSession(session.id);
  return recordings.filter(isThere).every(({ id, state: of }) => {
    const state = analyses.find(({ recordingId }) => recordingId === id)?.state;
    return state === 'done' || (state === 'running' && of === 'recording');
  });
}

/** Has the session's files where they are read. Rejects as RecordingLibrary.bring. */
export async function bringFiles(deps: ApiDeps, session: Session): Promise<void> {
  for (const recording of await deps.store.sessions.recordings(session.id)) {
    if (isThere(recording)) await deps.recordings.bring(recording.key);
  }
}

/** Has it found out what in the session's files the caller may not see. Throws as `viewFor`. */
export async function prepareViews(
  deps: ApiDeps,
  caller: Caller,
  session: Session,
  wish: RedactWish,
): Promise<void> {
  for (const recording of await deps.store.sessions.recordings(session.id)) {
    const isKept = isThere(recording) && (await deps.recordings.stat(recording.key)) !== null;
    if (isKept) await viewFor(deps, caller, recording, wish);
  }
}

/** Whether one of the session's files here is encrypted. Throws `recording.encrypted` where nothing opens it. */
export async function liesEncrypted(deps: ApiDeps, session: Session): Promise<boolean> {
  let found = false;
  for (const recording of await deps.store.sessions.recordings(session.id)) {
    if (!isThere(recording)) continue;
    const locking = await deps.recordings.locking(recording.key);
    refuseLocked(recording, locking);
    found ||= locking.isEncrypted;
  }
  return found;
}

/** Every entry of a session whose recordings are analysed. */
export async function* analysedLog(
  deps: ApiDeps,
  session: Session,
  filter: LogFilter,
): AsyncGenerator<SessionLogEntry> {
  let after: LogPlace | null = null;
  for (;;) {
    const page: readonly SessionLogEntry[] = await deps.store.analyses.log(session.id, filter, {
      limit: AT_ONCE,
      after,
    });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < AT_ONCE) return;
    after = last;
  }
}

/** Commands of a channel that are merged with what its file holds. */
const MOST_TYPED = 10_000;

/** What was typed into a channel's shells, as far as it is known. */
async function typed(
  deps: ApiDeps,
  session: Session,
  channel: number,
  text: (text: string) => string,
): Promise<readonly TranscriptEntry[]> {
  const found: TranscriptEntry[] = [];
  let after: LogPlace | null = { channel: channel - 1, at: LATEST, type: 'output', index: 0 };
  while (after !== null && found.length < MOST_TYPED) {
    const page: readonly SessionCommand[] = await deps.store.analyses.commands(session.id, {
      limit: AT_ONCE,
      after,
    });
    const own = page.filter((one) => one.channel === channel);
    for (const command of own) {
      if (command.source === 'exec') continue;
      const content = text(command.text);
      found.push({ at: command.startedAt, type: 'command', content, channel });
    }
    const last = page.at(-1);
    const isLast = last === undefined || page.length < AT_ONCE || last.channel > channel;
    after = isLast ? null : { channel, at: last.startedAt, type: 'command', index: last.index };
  }
  return found;
}

/**
 * The entries of a session, read off its files as the caller may see them; null: one that is not
 * wanted. What is secret is found by where it stood on the screen, so it is hidden here alone.
 */
export async function fileLog(
  deps: ApiDeps,
  caller: Caller,
  session: Session,
  wish: RedactWish,
  filter: LogFilter,
): Promise<AsyncGenerator<TranscriptEntry | null>> {
  const { sessions } = deps.store;
  const channels = await sessions.channels(session.id);
  const recordings = await sessions.recordings(session.id);
  const shown = seenChannels(deps, caller, channels, wish);
  const text = (given: string): string => shownText(deps, caller, given, wish);
  const source: TranscriptSource = {
    library: deps.recordings,
    text,
    view: (recording) => viewFor(deps, caller, recording, wish),
    typed: (channel) => typed(deps, session, channel, text),
  };
  return transcript(source, shown, recordings, { startedAt: session.startedAt, ...filter });
}
