import type { Gateway, RouteAnswer } from '../domain/control-plane.ts';
import type { NodeBus } from '../domain/nodes.ts';
import type { EndReason, SessionStore } from '../domain/session.ts';

/** The gateways of all nodes as one: what is not held here is asked of the node that holds it. */
export class NodeGateway implements Gateway {
  readonly #here: Gateway;
  readonly #bus: NodeBus;
  readonly #node: string;
  readonly #sessions: Pick<SessionStore, 'get'>;

  constructor(deps: {
    readonly here: Gateway;
    readonly bus: NodeBus;
    /** This node's name. */
    readonly node: string;
    readonly sessions: Pick<SessionStore, 'get'>;
  }) {
    this.#here = deps.here;
    this.#bus = deps.bus;
    this.#node = deps.node;
    this.#sessions = deps.sessions;
    deps.bus.onTerminate(({ sessionId, reason, by }) =>
      this.#here.terminate(sessionId, reason, by),
    );
  }

  /** Of this node alone, as each node tells its own. */
  get count(): number {
    return this.#here.count;
  }

  /** Of this node alone: each node watches over its own sessions. */
  renew(sessionId: number, answer: RouteAnswer): Promise<boolean> {
    return this.#here.renew(sessionId, answer);
  }

  async terminate(sessionId: number, reason: EndReason, by: string): Promise<boolean> {
    if (await this.#here.terminate(sessionId, reason, by)) return true;
    const node = (await this.#sessions.get(sessionId))?.node;
    if (node === undefined || node === this.#node) return false;
    return await this.#bus.terminate({ node, sessionId, reason, by });
  }
}
