import { type Logger, reasonOf } from '../domain/log.ts';
import type { RecordingFiles } from '../domain/recording.ts';
import type { Store } from '../domain/store.ts';

/** Keys that are looked up at a time. */
const BATCH = 1000;

interface Deps {
  readonly store: Store;
  readonly files: RecordingFiles;
  readonly log: Logger;
}

/**
 * Notes the recordings of this node's sessions that nobody has noted: the process died while the
 * database was away, and what it had to say with it. They are left open, to be repaired as the others.
 * A file that cannot be read, or is of no session here, is left alone, and named in the log.
 */
export async function listUnlisted(node: string, deps: Deps): Promise<void> {
  const { store, files, log } = deps;
  const keys = await files.newest().catch((error: unknown) => {
    log.error('the recordings cannot be looked through', { reason: reasonOf(error) });
    return [];
  });
  for (let at = 0; at < keys.length; at += BATCH) {
    const unlisted = await store.sessions.unlistedRecordings(keys.slice(at, at + BATCH));
    for (const key of unlisted) await list(node, key, deps);
  }
}

async function list(node: string, key: string, { store, files, log }: Deps): Promise<void> {
  const about = await files.origin(key).catch(() => null);
  const session = about === null ? null : await store.sessions.get(about.sessionId);
  const recordings = session === null ? [] : await store.sessions.recordings(session.id);
  if (
    about === null ||
    session === null ||
    recordings.some((one) => one.channel === about.channel)
  ) {
    log.warn('a file among the recordings is none of a session here', { key });
    return;
  }
  // Its own node may be writing it.
  if (session.node !== node) return;
  await store.sessions.openRecording({ ...about, key });
  log.warn('a recording that was not noted before a crash was found', { key, session: session.id });
}
