import type pg from 'pg';
import { type Logger, reasonOf } from '../domain/log.ts';

/** One channel; PostgreSQL has a space of them for each database. */
const CHANNEL = 'postern';

/** Milliseconds. */
const SHORTEST_PAUSE = 100;
const LONGEST_PAUSE = 2000;
/** How often the connection is asked whether it is still there, and how long it may take. */
const ASKED_EVERY = 5000;
const ANSWER_DEADLINE = 2000;

/** Bytes that PostgreSQL takes in one notice. */
const LONGEST_NOTICE = 7999;

export interface NoticesOptions {
  /** One connection of it is kept. */
  readonly pool: pg.Pool;
  readonly log: Logger;
  readonly heard: (text: string) => void;
  /** It listens, again or for the first time: what was said before was not heard. */
  readonly listening: () => void;
}

/**
 * What the nodes of a database tell each other: PostgreSQL's LISTEN and NOTIFY, over a connection
 * that is kept and opened again when it breaks. While there is none, nothing is said or kept.
 */
export class Notices {
  readonly #options: NoticesOptions;
  #client: pg.PoolClient | null = null;
  #timer: NodeJS.Timeout | undefined;
  #pause = SHORTEST_PAUSE;
  #closed = false;

  constructor(options: NoticesOptions) {
    this.#options = options;
  }

  /** Settles when it listens or has failed to; it goes on trying. */
  async open(): Promise<void> {
    if (this.#closed) return;
    let client: pg.PoolClient | null = null;
    try {
      client = await this.#options.pool.connect();
      this.#keep(client);
      await answered(client.query(`listen ${CHANNEL}`));
      this.#pause = SHORTEST_PAUSE;
      this.#askLater();
      this.#options.listening();
    } catch (error) {
      if (client === null) this.#again(error);
      else this.#lost(client, error);
    }
  }

  /** False: it was not said. */
  async say(text: string): Promise<boolean> {
    const client = this.#client;
    if (client === null || Buffer.byteLength(text) > LONGEST_NOTICE) return false;
    try {
      await answered(client.query('select pg_notify($1, $2)', [CHANNEL, text]));
      return true;
    } catch (error) {
      this.#lost(client, error);
      return false;
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = null;
    // Closed, not given back: it would go on hearing.
    client?.release(true);
  }

  #keep(client: pg.PoolClient): void {
    if (this.#closed) {
      client.release(true);
      throw new Error('closed');
    }
    this.#client = client;
    client.on('notification', ({ payload }) => this.#options.heard(payload ?? ''));
    client.on('error', (error) => this.#lost(client, error));
    client.on('end', () => this.#lost(client, new Error('connection ended')));
  }

  /** A network that is gone says nothing by itself. */
  #askLater(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(), ASKED_EVERY);
  }

  async #ask(): Promise<void> {
    const client = this.#client;
    if (client === null) return;
    try {
      await answered(client.query('select 1'));
      this.#askLater();
    } catch (error) {
      this.#lost(client, error);
    }
  }

  #lost(client: pg.PoolClient, error: unknown): void {
    if (this.#client !== client) return;
    this.#client = null;
    client.release(true);
    this.#again(error);
  }

  #again(error: unknown): void {
    if (this.#closed) return;
    if (this.#pause === SHORTEST_PAUSE) {
      this.#options.log.warn('word from the other nodes is not heard; trying again', {
        reason: reasonOf(error),
      });
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.open(), this.#pause);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }
}

async function answered<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const why = new Error(`no answer within ${ANSWER_DEADLINE} ms`);
    timer = setTimeout(() => reject(why), ANSWER_DEADLINE);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
