import type { ServerChannel } from 'ssh2';
import type { ConnectionFacts, ControlPlane } from '../domain/control-plane.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { EndReason } from '../domain/session.ts';
import { type CertifiedHostKey, loadCertifiedHostKey } from '../ssh/host-certificate.ts';
import type { GuardedConnection } from '../ssh/server.ts';
import type { Authenticated } from './authentication.ts';
import type { Refusal } from './refusal.ts';

/** Connections in connections: `ssh -J bastion,web1 db1` needs two. */
const MOST_NESTED = 3;

/** What a connection inside of another one knows from it. */
export interface Inside {
  /** The outer one's user, with the machine as destination. */
  readonly authenticated: Authenticated;
  /** How many connections it is in, from 1. */
  readonly depth: number;
}

/** A connection inside of this one. */
export interface InnerConnection {
  end(reason: EndReason, refusal: Refusal): Promise<void>;
  /** Settles when it is gone. */
  readonly gone: Promise<void>;
}

/** Where connections are taken in; false: there is no room, and the channel was not opened. */
export type AnswerInside = (
  outer: GuardedConnection,
  open: () => ServerChannel | undefined,
  identity: CertifiedHostKey,
  inside: Inside,
  onInner: (inner: InnerConnection) => void,
) => boolean;

/** A `direct-tcpip` that waits for its answer. */
export interface Wanted {
  readonly host: string;
  readonly port: number;
  /** Undefined: the client has gone. */
  readonly accept: () => ServerChannel | undefined;
  readonly reject: () => void;
}

export interface JumpDeps {
  readonly control: ControlPlane;
  readonly guarded: GuardedConnection;
  readonly facts: () => ConnectionFacts;
  readonly answer: AnswerInside;
  readonly log: Logger;
}

function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d+){3}|::1)$/i.test(host);
}

/**
 * `ssh -J`: where a client wants to be connected to a machine that its user may know, Postern
 * answers itself, and what follows is a recorded session. One for each connection.
 */
export class Jump {
  readonly #deps: JumpDeps;
  readonly #depth: number;
  readonly #inner = new Set<InnerConnection>();

  /** `depth`: how many connections this one is in. */
  constructor(deps: JumpDeps, depth: number) {
    this.#deps = deps;
    this.#depth = depth;
  }

  /** `otherwise`: it is no machine that this user knows. How many may wait is the channels' bound. */
  handle(wanted: Wanted, authenticated: Authenticated | null, otherwise: () => void): void {
    if (authenticated === null || !this.#concerns(wanted, authenticated)) {
      otherwise();
      return;
    }
    this.#take(wanted, authenticated, otherwise).catch((error: unknown) => {
      this.#deps.log.error('a jump could not be decided', { reason: reasonOf(error) });
      wanted.reject();
    });
  }

  /** Ends what is inside, before the connection itself, so that its users are told why. */
  async end(reason: EndReason, refusal: Refusal): Promise<void> {
    await Promise.all([...this.#inner].map((inner) => inner.end(reason, refusal)));
  }

  #concerns({ host }: Wanted, { destination }: Authenticated): boolean {
    if (this.#depth >= MOST_NESTED) return false;
    // On the way to a machine, this is the machine itself.
    return destination.machine === null || !isLoopback(host);
  }

  async #take(
    { host, port, accept, reject }: Wanted,
    authenticated: Authenticated,
    otherwise: () => void,
  ): Promise<void> {
    const { control, guarded, facts, answer, log } = this.#deps;
    const found = await control.jump(authenticated.user, { host, port }, facts());
    if (!guarded.alive) return;
    if (found.outcome === 'unknown') {
      otherwise();
      return;
    }
    const destination = { ...authenticated.destination, machine: found.machine, login: null };
    const inside = { authenticated: { ...authenticated, destination }, depth: this.#depth + 1 };
    const identity = loadCertifiedHostKey(found.hostKey, found.certificate);
    const taken = answer(guarded, accept, identity, inside, (inner) => this.#keep(inner));
    if (!taken) reject();
    else log.debug('answered for a machine', { machine: found.machine, depth: inside.depth });
  }

  #keep(inner: InnerConnection): void {
    this.#inner.add(inner);
    void inner.gone.then(() => this.#inner.delete(inner));
  }
}
