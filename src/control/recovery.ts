import type { Counters } from '../domain/counters.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { RecordingReceipt } from '../domain/recording.ts';
import type { Store } from '../domain/store.ts';

/** Repairs a recording that a crash left open; null: nothing is left of it. */
export type RepairRecording = (key: string) => Promise<RecordingReceipt | null>;

/**
 * After a crash: what this node left open in an earlier life is ended with the true reason, its
 * recordings are repaired as far as they go, and the counters are made equal to the database.
 * Answers how many sessions were ended.
 */
export async function recover(
  node: string,
  deps: {
    readonly store: Store;
    readonly counters: Counters;
    readonly repair: RepairRecording;
    readonly log: Logger;
  },
): Promise<number> {
  const { store, log } = deps;
  const swept = await store.sessions.sweep(node, new Date());
  for (const session of swept) {
    for (const recording of await store.sessions.recordings(session.id)) {
      if (recording.state !== 'recording') continue;
      const receipt = await deps.repair(recording.key);
      const state = receipt === null ? 'failed' : 'recovered';
      const at = new Date();
      await store.sessions.closeRecording(session.id, recording.channel, state, receipt, at);
    }
    await store.audit.append({
      at: new Date(),
      type: 'session.ended',
      actor: session.userName,
      userId: session.userId,
      machineId: session.machineId,
      sessionId: session.id,
      source: session.ipAddress,
      detail: { reason: 'node_died' },
    });
    log.warn('a session that a crash cut was closed', { session: session.id });
  }
  await rebuildCounters(deps);
  return swept.length;
}

/** Makes the counters equal to the database; without counters everything else goes on. */
async function rebuildCounters(deps: {
  readonly store: Store;
  readonly counters: Counters;
  readonly log: Logger;
}): Promise<void> {
  const live = await deps.store.sessions.live();
  const counted = live.flatMap(({ id, userId, machineId, node }) =>
    userId === null || machineId === null ? [] : [{ sessionId: id, userId, machineId, node }],
  );
  try {
    await deps.counters.rebuild(counted);
  } catch (error) {
    deps.log.warn('the counters could not be rebuilt', { reason: reasonOf(error) });
  }
}
