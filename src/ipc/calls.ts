import { PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { Peer } from './peer.ts';
import { fromFailure, type Message, readMessage, toFailure } from './wire.ts';

/** Milliseconds for an answer. */
const DEADLINE_MS = 30_000;

/** Calls of one side that may wait for their answers. */
const MOST_CALLS = 4096;

/** The other process gave no answer: it is gone, too slow, or has too much to answer already. */
export class PeerDown extends Error {
  override readonly name = 'PeerDown';
}

export interface CallLimits {
  /** Milliseconds for an answer, where a call does not say. */
  readonly deadlineMs: number;
  readonly mostCalls: number;
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

type Handler = (args: readonly unknown[]) => Promise<unknown>;

/** What may be called from another process: each method takes and answers plain data. */
export type Service<I> = Readonly<Record<keyof I, (...args: never[]) => Promise<unknown>>>;

/**
 * Questions and answers between two processes, either way over one channel. Calls arrive in the
 * order in which they were made, and each is begun before the next one is looked at.
 */
export class Calls {
  readonly #peer: Peer;
  readonly #log: () => Logger;
  readonly #limits: CallLimits;
  readonly #pending = new Map<number, Pending>();
  readonly #handlers = new Map<string, Handler>();
  #lastId = 0;
  #serving = 0;
  #lost = false;

  constructor(peer: Peer, log: () => Logger, limits: Partial<CallLimits> = {}) {
    this.#peer = peer;
    this.#log = log;
    this.#limits = { deadlineMs: DEADLINE_MS, mostCalls: MOST_CALLS, ...limits };
    peer.onLost(() => this.#giveUp());
    peer.onMessage((message) => this.#hear(message));
  }

  /**
   * Rejects with what the other side rejected with, if that was a PosternError (else `internal`),
   * and with PeerDown when no answer comes within `deadlineMs`.
   */
  call(
    method: string,
    args: readonly unknown[],
    deadlineMs = this.#limits.deadlineMs,
  ): Promise<unknown> {
    if (this.#lost) return Promise.reject(new PeerDown(`${method}: the other process is gone`));
    if (this.#pending.size >= this.#limits.mostCalls) {
      return Promise.reject(new PeerDown(`${method}: too many calls wait for an answer`));
    }
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new PeerDown(`${method}: no answer within ${deadlineMs} ms`));
      }, deadlineMs);
      this.#pending.set(id, { resolve, reject, timer });
      this.#send({ type: 'call', id, method, args });
    });
  }

  /** Answers the named methods from now on; the list is typed so that none can be forgotten. */
  serve<I extends Service<I>>(
    target: I,
    methods: Readonly<Record<keyof I & string, unknown>>,
  ): void {
    for (const name of Object.keys(methods) as (keyof I & string)[]) {
      this.#handlers.set(name, (args) => Reflect.apply(target[name], target, args));
    }
  }

  #send(message: Message): void {
    this.#peer.send(message);
  }

  #hear(received: unknown): void {
    const message = readMessage(received);
    if (message === null) {
      this.#log().error('a message between processes could not be read');
      return;
    }
    if (message.type === 'call') {
      this.#answer(message.id, message.method, message.args);
      return;
    }
    const pending = this.#pending.get(message.id);
    // The answer to a call that was given up.
    if (pending === undefined) return;
    this.#pending.delete(message.id);
    clearTimeout(pending.timer);
    if (message.type === 'answer') pending.resolve(message.value);
    else pending.reject(fromFailure(message.failure));
  }

  #answer(id: number, method: string, args: readonly unknown[]): void {
    this.#begin(method, args)
      .then((value) => this.#send({ type: 'answer', id, value }))
      .catch((error: unknown) => {
        this.#note(method, error);
        this.#send({ type: 'failure', id, failure: toFailure(error) });
      });
  }

  /** What the handler does before its first wait is done when this returns. */
  async #begin(method: string, args: readonly unknown[]): Promise<unknown> {
    const handler = this.#handlers.get(method);
    if (handler === undefined) throw new Error('there is no such method');
    // Calls that their caller has given up may still be under way here.
    if (this.#serving >= 2 * this.#limits.mostCalls) throw new Error('too many calls');
    this.#serving += 1;
    try {
      const work: Promise<unknown> = handler(args);
      return await work;
    } finally {
      this.#serving -= 1;
    }
  }

  /** What the receiver may not read is in the log of the side where it happened. */
  #note(method: string, error: unknown): void {
    const known = error instanceof PosternError;
    const cause = known ? error.cause : error;
    if (cause === undefined) return;
    const fields = { method, reason: reasonOf(cause) };
    if (known) this.#log().info('a call of another process was refused', fields);
    else this.#log().error('a call of another process failed', fields);
  }

  #giveUp(): void {
    this.#lost = true;
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(new PeerDown('the other process is gone'));
    }
    this.#pending.clear();
  }
}
