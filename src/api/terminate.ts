import { PosternError } from '../domain/errors.ts';
import { formatId } from '../domain/ids.ts';
import type { Session } from '../domain/session.ts';
import { isLive, maySeeSession, shownName } from '../domain/visibility.ts';
import type { Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { note } from './journal.ts';

const TIMEOUT_MS = 5000;

/** The session that the caller may see; throws `thing.not_found`, also for those that they may not. */
export async function seenSession(deps: ApiDeps, caller: Caller, id: number): Promise<Session> {
  const session = await deps.store.sessions.get(id);
  if (session === null || !maySeeSession(caller.viewer, session)) {
    throw new PosternError('thing.not_found', { kind: 'session', id: formatId('sess', id) });
  }
  return session;
}

/** Whether the holder confirmed the end within the deadline. */
async function confirmed(deps: ApiDeps, id: number, by: string): Promise<boolean> {
  const deadline = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => deadline.resolve(false), deps.terminateTimeoutMs ?? TIMEOUT_MS);
  try {
    return await Promise.race([deps.gateway.terminate(id, 'terminated', by), deadline.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function endedAlready({ id, node, endReason }: Session): PosternError {
  const code = endReason === 'node_died' ? 'session.node_died' : 'session.already_ended';
  return new PosternError(code, { id: formatId('sess', id), node });
}

/**
 * Ends a session and returns when its holder has confirmed. Throws `session.already_ended`,
 * `session.node_died` or `session.unconfirmed`. The caller has been found to hold `sessions:write`.
 */
export async function terminateSession(deps: ApiDeps, caller: Caller, id: number): Promise<void> {
  const session = await seenSession(deps, caller, id);
  if (!isLive(session)) throw endedAlready(session);
  await note(deps.store, caller, deps.clock(), 'session.terminated', {
    sessionId: id,
    machineId: session.machineId,
    detail: { user: session.userName, machine: session.machineName },
    // As it is to be: `session.ended` says that it is.
    states: { before: { status: session.status }, after: { status: 'stopped' } },
  });
  if (await confirmed(deps, id, shownName(caller.viewer))) return;
  const now = await deps.store.sessions.get(id);
  if (now !== null && !isLive(now)) throw endedAlready(now);
  throw new PosternError('session.unconfirmed', { id: formatId('sess', id), node: session.node });
}
