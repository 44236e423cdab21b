import { hashBearer, newBearer } from '../domain/bearer.ts';
import { PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { Window } from '../domain/terminal.ts';
import type { WebTerminals } from '../domain/web-terminal.ts';

/** Milliseconds in which a terminal has to be opened. */
const TICKET_MS = 5 * 60_000;

/** Terminals that nobody has opened yet: of one user, and of all. */
const MOST_OF_ONE = 20;
const MOST_TICKETS = 500;

/** Milliseconds for the terminals to end when the server stops. */
const CLOSE_MS = 2000;

/** A session that waits for its user's browser. */
export interface Ticket {
  readonly sessionId: number;
  readonly userId: number;
  /** Of the token that it was begun with: the session ends with it. */
  readonly tokenHash: string;
  readonly window: Window;
}

interface Kept {
  readonly ticket: Ticket;
  readonly secretHash: string;
  readonly timer: NodeJS.Timeout;
}

/** A terminal that is open in a browser. */
interface OpenTerminal {
  /** Ends it with a word to its user; settles when its socket has closed. */
  drain(): Promise<void>;
}

/** The terminals of this process's browsers: those that wait for one, and those that are open. */
export class TerminalRoom {
  readonly #terminals: WebTerminals;
  readonly #log: Logger;
  readonly #tickets = new Map<number, Kept>();
  readonly #open = new Set<OpenTerminal>();

  constructor(terminals: WebTerminals, log: Logger) {
    this.#terminals = terminals;
    this.#log = log;
  }

  /** Throws `terminal.too_many` or `terminal.full` where one more of this user could not wait. */
  makeRoom(userId: number): void {
    const all = [...this.#tickets.values()];
    if (all.length >= MOST_TICKETS)
      throw new PosternError('terminal.full', { limit: MOST_TICKETS });
    if (all.filter(({ ticket }) => ticket.userId === userId).length < MOST_OF_ONE) return;
    throw new PosternError('terminal.too_many', { limit: MOST_OF_ONE });
  }

  /** The secret that opens it, once, and until when. */
  async keep(ticket: Ticket): Promise<{ readonly token: string; readonly expiresAt: Date }> {
    const token = newBearer();
    const secretHash = await hashBearer(token);
    const { sessionId } = ticket;
    const timer = setTimeout(() => {
      if (this.#tickets.delete(sessionId)) this.#leave(sessionId);
    }, TICKET_MS);
    timer.unref();
    this.#tickets.set(sessionId, { ticket, secretHash, timer });
    return { token, expiresAt: new Date(Date.now() + TICKET_MS) };
  }

  /** Nobody came to it. */
  #leave(sessionId: number): void {
    this.#terminals.leaveTerminal(sessionId, 'unused').catch((error: unknown) => {
      this.#log.warn('a terminal was not ended', { session: sessionId, reason: reasonOf(error) });
    });
  }

  /** Uses it up. Null: wrong, used or expired. */
  async redeem(sessionId: number, token: string): Promise<Ticket | null> {
    const hash = await hashBearer(token);
    const kept = this.#tickets.get(sessionId);
    if (kept === undefined || kept.secretHash !== hash) return null;
    clearTimeout(kept.timer);
    this.#tickets.delete(sessionId);
    return kept.ticket;
  }

  opened(terminal: OpenTerminal): void {
    this.#open.add(terminal);
  }

  closed(terminal: OpenTerminal): void {
    this.#open.delete(terminal);
  }

  /** Ends all that are open; settles when their sockets have closed, within two seconds. */
  async close(): Promise<void> {
    for (const { timer } of this.#tickets.values()) clearTimeout(timer);
    this.#tickets.clear();
    const drained = Promise.all([...this.#open].map((terminal) => terminal.drain()));
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, CLOSE_MS);
    await Promise.race([drained, late.promise]);
    clearTimeout(timer);
  }
}
