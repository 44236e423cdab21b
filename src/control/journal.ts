import type { AuditDetail, AuditStore, AuditType, NewAuditEvent } from '../domain/audit.ts';
import type { AuditStates } from '../domain/audit-state.ts';
import type { ConnectionFacts, SignedIn } from '../domain/control-plane.ts';
import { printable } from '../domain/log.ts';
import type { Session } from '../domain/session.ts';
import type { Outbox } from './outbox.ts';

/** What an event from the gateway is about; what is not known is null. */
export interface About {
  readonly user: SignedIn | null;
  readonly userName: string | null;
  readonly machineId: number | null;
  readonly sessionId: number | null;
  readonly facts: ConnectionFacts | null;
  readonly detail: AuditDetail;
  /** What the thing was and is: `auditStates`. */
  readonly states?: AuditStates;
}

/** The event that something happened to a session. */
export function aboutSession(
  type: AuditType,
  session: Session,
  at: Date,
  detail: AuditDetail,
): NewAuditEvent {
  return {
    at,
    type,
    actor: session.userName,
    userId: session.userId,
    machineId: session.machineId,
    sessionId: session.id,
    source: session.ipAddress,
    detail,
  };
}

/** Writes audit events in the order in which they happened; none waits for the one before. */
export class Journal {
  readonly #audit: AuditStore;
  readonly #outbox: Outbox;

  constructor(audit: AuditStore, outbox: Outbox) {
    this.#audit = audit;
    this.#outbox = outbox;
  }

  /** Settles when the event is written; nobody has to wait for it. */
  note(type: AuditType, about: About): Promise<void> {
    return this.#write({
      at: new Date(),
      type,
      actor: about.userName === null ? null : printable(about.userName, 64),
      userId: about.user?.userId ?? null,
      machineId: about.machineId,
      sessionId: about.sessionId,
      source: about.facts?.sourceAddress ?? null,
      detail: about.detail,
      ...about.states,
    });
  }

  noteSession(
    type: AuditType,
    session: Session,
    detail: AuditDetail,
    states: AuditStates = {},
  ): Promise<void> {
    return this.#write({ ...aboutSession(type, session, new Date(), detail), ...states });
  }

  #write(event: NewAuditEvent): Promise<void> {
    return this.#outbox.write(`audit ${event.type}`, () => this.#audit.append(event));
  }
}
