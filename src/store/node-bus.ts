import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { LocalChanges } from '../domain/changes.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { NodeBus, TerminateRequest } from '../domain/nodes.ts';
import { END_REASONS, type EndReason } from '../domain/session.ts';
import { Notices } from './notices.ts';

/** Milliseconds for the answer of another node; the API waits 5000. */
const ANSWER_MS = 4500;

/** Questions of this node that may wait for their answers. */
const MOST_WAITING = 256;

type Message =
  | { readonly type: 'changed'; readonly from: string }
  | ({ readonly type: 'terminate'; readonly from: string; readonly id: string } & TerminateRequest)
  | {
      readonly type: 'answer';
      readonly from: string;
      readonly id: string;
      readonly ended: boolean;
    };

/** The bus between nodes, over the database that they share (ADR 0007). */
export class PostgresBus extends LocalChanges implements NodeBus {
  readonly #node: string;
  readonly #log: Logger;
  readonly #notices: Notices;
  readonly #waiting = new Map<string, (ended: boolean) => void>();
  #terminate: ((request: TerminateRequest) => Promise<boolean>) | null = null;

  /** `node`: this node's name; one connection of `pool` is kept from `open` to `close`. */
  constructor({ pool, node, log }: { pool: pg.Pool; node: string; log: Logger }) {
    super();
    this.#node = node;
    this.#log = log;
    this.#notices = new Notices({
      pool,
      log,
      heard: (text) => this.#hear(text),
      // What changed while nobody listened has to be looked for.
      listening: () => super.publish(),
    });
  }

  /** Settles when it listens, or has failed to: it goes on trying. */
  open(): Promise<void> {
    return this.#notices.open();
  }

  override publish(): void {
    super.publish();
    void this.#notices.say(write({ type: 'changed', from: this.#node }));
  }

  onTerminate(listener: (request: TerminateRequest) => Promise<boolean>): void {
    this.#terminate = listener;
  }

  terminate(request: TerminateRequest): Promise<boolean> {
    if (this.#waiting.size >= MOST_WAITING) return Promise.resolve(false);
    const id = randomUUID();
    return new Promise((resolve) => {
      const settle = (ended: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve(ended);
      };
      const timer = setTimeout(() => settle(false), ANSWER_MS);
      this.#waiting.set(id, settle);
      const message = write({ type: 'terminate', from: this.#node, id, ...request });
      void this.#notices.say(message).then((said) => said || settle(false));
    });
  }

  close(): void {
    for (const settle of [...this.#waiting.values()]) settle(false);
    this.#notices.close();
  }

  #hear(text: string): void {
    const message = read(text);
    // PostgreSQL tells the one who said it, too.
    if (message === null || message.from === this.#node) return;
    if (message.type === 'changed') super.publish();
    else if (message.type === 'answer') this.#waiting.get(message.id)?.(message.ended);
    else if (message.node === this.#node) void this.#end(message.id, message);
  }

  async #end(id: string, { node, sessionId, reason, by }: TerminateRequest): Promise<void> {
    try {
      const ended = (await this.#terminate?.({ node, sessionId, reason, by })) ?? false;
      await this.#notices.say(write({ type: 'answer', from: this.#node, id, ended }));
    } catch (error) {
      const cause = reasonOf(error);
      this.#log.error('a session was not ended for another node', { session: sessionId, cause });
    }
  }
}

function write(message: Message): string {
  return JSON.stringify(message);
}

/** Null: no message of ours. */
function read(text: string): Message | null {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof found !== 'object' || found === null) return null;
  const { type, from, id, ended, node, sessionId, reason, by } = found as Record<string, unknown>;
  if (typeof from !== 'string') return null;
  if (type === 'changed') return { type, from };
  if (typeof id !== 'string') return null;
  if (type === 'answer') return { type, from, id, ended: ended === true };
  if (type !== 'terminate' || typeof node !== 'string' || typeof by !== 'string') return null;
  if (typeof sessionId !== 'number' || !isReason(reason)) return null;
  return { type, from, id, node, sessionId, reason, by };
}

function isReason(reason: unknown): reason is EndReason {
  return (END_REASONS as readonly unknown[]).includes(reason);
}
