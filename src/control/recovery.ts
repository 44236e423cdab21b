import { aboutClosed } from '../domain/approval.ts';
import type { Counters } from '../domain/counters.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { RecordingFiles, RepairRecording } from '../domain/recording.ts';
import type { KeptDataKeys } from '../domain/recording-keys.ts';
import type { Session } from '../domain/session.ts';
import type { Store, Stores } from '../domain/store.ts';
import { BrokenRecordings } from './broken-recordings.ts';
import { aboutSession } from './journal.ts';
import { forgetDataKeys } from './kept-data-keys.ts';
import { failInterrupted } from './stack-actions.ts';
import { listUnlisted } from './unlisted-recordings.ts';

/**
 * After a crash: what this node left open in an earlier life is ended with the true reason, requests
 * for approval are called off, its recordings are found and repaired as far as they go, those that broke too, and the
 * counters are made equal to the database. Answers how many sessions were ended.
 */
export async function recover(
  node: string,
  deps: {
    readonly store: Store;
    readonly counters: Counters;
    readonly repair: RepairRecording;
    readonly files: RecordingFiles;
    readonly dataKeys: KeptDataKeys;
    readonly log: Logger;
  },
): Promise<number> {
  const { store, log } = deps;
  await listUnlisted(node, deps);
  await closeRecordings(node, deps);
  // Nobody writes one of them any more.
  await new BrokenRecordings({ ...deps, node }).mend(new Date());
  await forgetDataKeys(node, deps);
  const swept = (await endAsDied(store, node, () => Promise.resolve(true))) ?? [];
  for (const { id } of swept) log.warn('a session that a crash cut was closed', { session: id });
  await rebuildCounters(deps);
  return swept.length;
}

/**
 * Ends what a node left open, requests for approval too, all at once, and answers the sessions; null where `confirm` says, in the same
 * transaction, that it is not dead.
 */
export async function endAsDied(
  store: Store,
  node: string,
  confirm: (stores: Stores) => Promise<boolean>,
): Promise<readonly Session[] | null> {
  const at = new Date();
  return await store.transaction(async (stores) => {
    if (!(await confirm(stores))) return null;
    const failed = await failInterrupted(stores, node, at);
    const ended = await stores.sessions.sweep(node, at);
    for (const session of ended) {
      await stores.audit.append(
        aboutSession('session.ended', session, at, { reason: 'node_died' }),
      );
    }
    for (const approval of await stores.approvals.sweep(node, at)) {
      await stores.audit.append(aboutClosed('approval.called_off', approval, at));
    }
    return [...failed, ...ended];
  });
}

/** Also those whose sessions another node has ended since: the files are on this one. */
async function closeRecordings(
  node: string,
  deps: { readonly store: Store; readonly repair: RepairRecording },
): Promise<void> {
  const { sessions } = deps.store;
  for (const { sessionId, key, channel } of await sessions.unclosedRecordings(node)) {
    const repaired = await deps.repair(key);
    if (repaired === null) continue;
    const { state, receipt } = repaired;
    await sessions.closeRecording(sessionId, channel, state, receipt, new Date());
  }
}

/** Makes the counters equal to the database; without counters everything else goes on. */
export async function rebuildCounters(deps: {
  readonly counters: Pick<Counters, 'rebuild'>;
  readonly log: Logger;
}): Promise<void> {
  try {
    await deps.counters.rebuild();
  } catch (error) {
    deps.log.warn('the counters could not be rebuilt', { reason: reasonOf(error) });
  }
}
