import type { AuditDetail, AuditType } from '../domain/audit.ts';
import type { AuditStates } from '../domain/audit-state.ts';
import type { Recording, Session } from '../domain/session.ts';
import type { Stores } from '../domain/store.ts';
import type { Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { Openings } from './openings.ts';

/** What an audit event is about, besides who did it. */
interface About {
  readonly userId?: number;
  readonly machineId?: number | null;
  readonly sessionId?: number;
  readonly detail?: AuditDetail;
  /** What the thing was and is: `auditStates`. */
  readonly states?: AuditStates;
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
    ...about.states,
  });
}

/** A request for what was recorded; `part`: it is for some of it, and others may follow. */
interface Opening {
  readonly type: AuditType;
  readonly session: Session;
  /** Null: of all its channels. */
  readonly recording: Recording | null;
  readonly part: boolean;
  readonly detail?: AuditDetail;
}

const openings = new WeakMap<ApiDeps, Openings>();

function openingsOf(deps: ApiDeps): Openings {
  const known = openings.get(deps) ?? new Openings();
  openings.set(deps, known);
  return known;
}

/**
 * Notes that the caller opened something that was recorded: once, for however many parts they ask for,
 * and each time for the whole of it. Before any of it is answered; rejects as `note` does.
 */
export async function noteOpening(deps: ApiDeps, caller: Caller, opening: Opening): Promise<void> {
  const { type, session, recording, part, detail } = opening;
  const now = deps.clock();
  const what = recording === null ? `session ${session.id}` : `recording ${recording.id}`;
  const key = `${caller.viewer.token.id} ${caller.source} ${type} ${what}`;
  const isFirst = openingsOf(deps).isFirst(key, now.getTime());
  if (part && !isFirst) return;
  await note(deps.store, caller, now, type, {
    sessionId: session.id,
    machineId: session.machineId,
    detail: { ...(recording === null ? {} : { channel: recording.channel }), ...detail },
  });
}
