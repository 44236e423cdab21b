import type { AuthorizedRoute, Limits } from '../domain/access.ts';
import type { Capability } from '../domain/capability.ts';
import { PosternError } from '../domain/errors.ts';
import { reasonOf } from '../domain/log.ts';
import type { Link, Offer } from '../domain/upstream.ts';
import { ForwardRecord } from './forward-record.ts';
import { LinkPipe } from './link-pipe.ts';
import type { PipeCounts } from './pipe.ts';
import type { Refusal } from './refusal.ts';
import type { GatewaySession, SessionMember } from './session.ts';

/** Both sides of a forwarded connection. */
export interface Ends {
  readonly user: Link;
  readonly machine: Link;
}

export interface ForwardRequest {
  readonly capability: Capability;
  /** Where it leads, for the record: `HOST:PORT`. */
  readonly place: string;
  readonly limits: Limits;
  /** The limits under a decision that was made again; null: not allowed any more. */
  limitsUnder(route: AuthorizedRoute): Limits | null;
  /**
   * Opens the side that did not ask, then accepts the one that did: nobody is told that a connection
   * stands before it does. Rejects with PosternError.
   */
  open(): Promise<Ends>;
  /** Refuses the side that asked. */
  refuse(error: unknown): void;
}

/** Accepts a connection that the machine offers, once the user's side of it stands. */
export async function offeredEnds(offer: Offer, atUser: Promise<Link>): Promise<Ends> {
  const user = await atUser.catch((cause: unknown) => {
    throw new PosternError('client.gone', {}, { cause });
  });
  const machine = offer.accept();
  if (machine !== undefined) return { user, machine };
  user.stream.resume();
  user.close();
  throw new PosternError('client.gone');
}

/** Codes that say something about one forward, and nothing about the machine's connection. */
const OWN_FAILURES: readonly string[] = ['forward.failed', 'forward.prohibited', 'client.gone'];

/** One forwarded connection of a session: in its record from the request to its end. */
export class Forward implements SessionMember {
  readonly done: Promise<void>;
  readonly #session: GatewaySession;
  readonly #request: ForwardRequest;
  readonly #begunAt = performance.now();
  #record: ForwardRecord | null = null;
  #pipe: LinkPipe | null = null;
  #stopping: { readonly refusal: Refusal | null } | null = null;

  constructor(session: GatewaySession, request: ForwardRequest) {
    this.#session = session;
    this.#request = request;
    this.done = this.#run();
  }

  get counts(): PipeCounts {
    return this.#pipe?.counts ?? { bytesIn: 0, bytesOut: 0 };
  }

  get lastByteAt(): number {
    return this.#pipe?.lastByteAt ?? this.#begunAt;
  }

  renewed(route: AuthorizedRoute): Capability | null {
    const limits = this.#request.limitsUnder(route);
    if (limits === null) return this.#request.capability;
    this.#record?.change(limits);
    return null;
  }

  /** Nobody can be told why: a forwarded connection has no place for words. */
  async stop(refusal: Refusal | null): Promise<void> {
    this.#stopping ??= { refusal };
    this.#pipe?.close();
    await this.#pipe?.done;
  }

  async #run(): Promise<void> {
    const session = this.#session;
    const number = session.join(this);
    if (number === null) {
      this.#request.refuse(new PosternError('session.draining'));
      return;
    }
    this.#record = new ForwardRecord(session, number, this.#request);
    try {
      const { user, machine } = await this.#request.open();
      this.#pipe = new LinkPipe(user, machine);
      if (this.#stopping !== null) this.#pipe.close();
      await this.#pipe.done;
      this.#leave();
    } catch (error) {
      this.#fail(error);
    }
  }

  #leave(): void {
    this.#record?.end(this.counts);
    this.#session.leave(this);
  }

  #fail(error: unknown): void {
    const session = this.#session;
    if (!(error instanceof PosternError)) {
      session.log.error('a forward failed', { reason: reasonOf(error) });
    }
    this.#request.refuse(error);
    this.#leave();
    const own = error instanceof PosternError && OWN_FAILURES.includes(error.code);
    if (!own && !session.busy) void session.fail(error);
  }
}
