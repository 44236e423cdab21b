import { auditStates } from '../domain/audit-state.ts';
import { PosternError } from '../domain/errors.ts';
import { formatId } from '../domain/ids.ts';
import type { Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { note } from './journal.ts';
import { seenSession } from './terminate.ts';

/** Throws `thing.not_found` or `recording.held`. */
export async function holdSession(
  deps: ApiDeps,
  caller: Caller,
  sessionId: number,
  reason: string,
): Promise<void> {
  const { machineId } = await seenSession(deps, caller, sessionId);
  const at = deps.clock();
  await deps.store.transaction(async (stores) => {
    const hold = { at, by: caller.viewer.name, reason };
    if (!(await stores.recordings.hold(sessionId, hold))) {
      throw new PosternError('recording.held', { id: formatId('sess', sessionId) });
    }
    await note(stores, caller, at, 'recording.held', {
      ...{ sessionId, machineId, detail: { reason } },
      states: auditStates({ legalHold: null }, { legalHold: hold }),
    });
  });
}

/** Throws `thing.not_found` or `recording.not_held`. */
export async function releaseSession(
  deps: ApiDeps,
  caller: Caller,
  sessionId: number,
): Promise<void> {
  const { machineId, hold } = await seenSession(deps, caller, sessionId);
  await deps.store.transaction(async (stores) => {
    if (!(await stores.recordings.release(sessionId))) {
      throw new PosternError('recording.not_held', { id: formatId('sess', sessionId) });
    }
    await note(stores, caller, deps.clock(), 'recording.released', {
      ...{ sessionId, machineId },
      states: auditStates({ legalHold: hold }, { legalHold: null }),
    });
  });
}
