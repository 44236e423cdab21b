import type { AuthorizedRoute } from '../domain/access.ts';
import type { SessionTicket } from '../domain/control-plane.ts';
import type { MachineKind } from '../domain/machine.ts';
import type { TargetConnector, Upstream, UserAgent } from '../domain/upstream.ts';

/** Gives each machine to the connector for its kind. */
export class TargetsByKind implements TargetConnector {
  readonly #kinds: Readonly<Record<MachineKind, TargetConnector>>;

  constructor(kinds: Readonly<Record<MachineKind, TargetConnector>>) {
    this.#kinds = kinds;
  }

  connect(
    route: AuthorizedRoute,
    ticket: SessionTicket,
    signal: AbortSignal,
    agent?: UserAgent,
  ): Promise<Upstream> {
    return this.#kinds[route.machine.kind].connect(route, ticket, signal, agent);
  }
}
