import { type Logger, reasonOf } from '../domain/log.ts';
import type { KeptDataKeys } from '../domain/recording-keys.ts';
import type { Recording } from '../domain/session.ts';
import type { Store } from '../domain/store.ts';

/**
 * Forgets the data keys of this node's recordings that have ended: a crash may have come between the end
 * and that. One that still waits for its repair, or broke and waits to be sealed, keeps its own.
 */
export async function forgetDataKeys(
  node: string,
  deps: { readonly store: Store; readonly dataKeys: KeptDataKeys; readonly log: Logger },
): Promise<void> {
  const { store, dataKeys, log } = deps;
  const kept = await dataKeys.list().catch((error: unknown) => {
    log.error('the recordings cannot be looked through', { reason: reasonOf(error) });
    return [];
  });
  for (const { key, sessionId } of kept) {
    const session = await store.sessions.get(sessionId);
    // Its own node may be writing it.
    if (session?.node !== node) continue;
    const recordings = await store.sessions.recordings(sessionId);
    const recording = recordings.find((one) => one.key === key);
    if (recording !== undefined && !waits(recording)) await dataKeys.forget(key);
  }
}

/** Whether it may still be sealed: it is open, or broke and was not looked at since (broken-recordings.ts). */
function waits({ state, size }: Recording): boolean {
  return state === 'recording' || ((state === 'gap' || state === 'truncated') && size === null);
}
