import type { AuthorizedRoute } from '../domain/access.ts';
import type { SessionTicket } from '../domain/control-plane.ts';
import { PosternError } from '../domain/errors.ts';
import type { TargetConnector, Upstream, UserAgent } from '../domain/upstream.ts';

/** Gives each machine to the connector for its kind; a kind without one is refused. */
export class TargetsByKind implements TargetConnector {
  readonly #kinds: Readonly<Record<'ssh' | 'docker', TargetConnector>>;

  constructor(kinds: Readonly<Record<'ssh' | 'docker', TargetConnector>>) {
    this.#kinds = kinds;
  }

  connect(
    route: AuthorizedRoute,
    ticket: SessionTicket,
    signal: AbortSignal,
    agent?: UserAgent,
  ): Promise<Upstream> {
    const { name, kind } = route.machine;
    if (kind !== 'kubernetes') return this.#kinds[kind].connect(route, ticket, signal, agent);
    return Promise.reject(new PosternError('machine.kind', { machine: name, kind }));
  }
}
