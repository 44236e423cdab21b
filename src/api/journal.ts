import type { AuditDetail, AuditType } from '../domain/audit.ts';
import type { Stores } from '../domain/store.ts';
import type { Caller } from './context.ts';

/** What an audit event is about, besides who did it. */
interface About {
  readonly userId?: number;
  readonly machineId?: number | null;
  readonly sessionId?: number;
  readonly detail?: AuditDetail;
}

/**
 * Writes what a caller did. `userId` is the one it was done to where there is one, else the caller.
 * Rejects when the event cannot be written: an act that leaves no trace is not answered for.
 */
export async function note(
  stores: Pick<Stores, 'audit'>,
  caller: Caller,
  at: Date,
  type: AuditType,
  about: About = {},
): Promise<void> {
  await stores.audit.append({
    at,
    type,
    actor: caller.viewer.name,
    userId: about.userId ?? caller.viewer.userId,
    machineId: about.machineId ?? null,
    sessionId: about.sessionId ?? null,
    source: caller.source,
    detail: { ...about.detail, token: caller.viewer.token.name },
  });
}
