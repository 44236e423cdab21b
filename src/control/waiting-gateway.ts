import type { ContainerSessions } from '../domain/container-session.ts';
import type { Gateway, RouteAnswer } from '../domain/control-plane.ts';
import type { EndReason } from '../domain/session.ts';

/** A gateway, and the sessions of containers whose users have not come: no gateway holds those. */
export class WaitingGateway implements Gateway {
  readonly #gateway: Gateway;
  readonly #sessions: Pick<ContainerSessions, 'endWaiting'>;

  constructor(gateway: Gateway, sessions: Pick<ContainerSessions, 'endWaiting'>) {
    this.#gateway = gateway;
    this.#sessions = sessions;
  }

  get count(): number {
    return this.#gateway.count;
  }

  renew(sessionId: number, answer: RouteAnswer): Promise<boolean> {
    return this.#gateway.renew(sessionId, answer);
  }

  async terminate(sessionId: number, reason: EndReason, by: string): Promise<boolean> {
    if (await this.#sessions.endWaiting(sessionId, reason)) return true;
    return await this.#gateway.terminate(sessionId, reason, by);
  }
}
