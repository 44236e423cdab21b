import { sql } from 'kysely';
import pg from 'pg';
import { PosternError } from '../domain/errors.ts';
import { MAX_LIMIT } from '../domain/page.ts';
import type {
  Found,
  SearchFilter,
  SearchPage,
  SearchPlace,
  SearchRequest,
  SearchStore,
} from '../domain/search.ts';
import { lookThrough, lookUp, readFound, type Window } from './search-windows.ts';
import type { Db } from './tables.ts';

/** How the database can be asked. */
export interface SearchMeans {
  /** Whether the trigram indexes are there. */
  readonly hasIndexes: boolean;
  /** Whether it keeps to a time that a statement may take; the embedded one does not. */
  readonly hasTimeouts: boolean;
}

/** Milliseconds after which a page is answered with what was found, */
const LOOK_MS = 2000;
/** and those that a look by the index may take before the text is read instead. */
const INDEX_MS = 1000;

/** Texts that are looked through at first, and later at once. */
const FIRST_WINDOW = 2000;
const WINDOW = 4000;

/** More texts with the words are not sorted: then the newest have enough of them. */
const MOST_MATCHING = 5000;

/** A page that is being filled. */
class Filling {
  readonly hits: Found[] = [];
  readonly #db: Db;
  readonly #request: SearchRequest;
  readonly #limit: number;

  constructor(db: Db, request: SearchRequest) {
    this.#db = db;
    this.#request = request;
    this.#limit = Math.min(MAX_LIMIT, Math.max(1, Math.trunc(request.limit)));
  }

  /** True when there is more than the page holds. */
  async add(places: readonly SearchPlace[]): Promise<boolean> {
    const step = this.#limit + 1;
    for (let at = 0; at < places.length; at += step) {
      for (const found of await readFound(this.#db, places.slice(at, at + step))) {
        const shown = await this.#request.shown(found);
        if (shown !== null) this.hits.push(shown);
        if (this.hits.length > this.#limit) return true;
      }
    }
    return false;
  }

  /** The page, behind which nothing is. */
  get whole(): SearchPage {
    return { hits: this.hits, next: null };
  }

  /** The page, which goes on behind its last hit. */
  get full(): SearchPage {
    const hits = this.hits.slice(0, this.#limit);
    const { at, kind, id } = hits.at(-1) ?? { at: new Date(0), kind: 'command', id: 0 };
    return { hits, next: { at, kind, id } };
  }
}

/**
 * Search in the order of time. The newest texts are looked through first: what is common stands there.
 * What is rare is looked up by the trigram index where there is one; else, and where too many have the
 * words, the text is read on, window by window, as long as a page may take.
 */
export class SqlSearchStore implements SearchStore {
  readonly #db: Db;
  readonly #means: SearchMeans;

  constructor(db: Db, means: SearchMeans) {
    this.#db = db;
    this.#means = means;
  }

  async find(filter: SearchFilter, request: SearchRequest): Promise<SearchPage> {
    const until = performance.now() + LOOK_MS;
    const page = new Filling(this.#db, request);
    const newest = await this.#look(filter, request.after, FIRST_WINDOW, until);
    if (newest === null) throw new PosternError('search.too_slow');
    if (newest.last === null) return page.whole;
    if (await page.add(newest.matching)) return page.full;
    const rest = await this.#rest(filter, newest.last);
    if (rest === null) return await this.#readOn(page, filter, newest.last, until);
    return (await page.add(rest)) ? page.full : page.whole;
  }

  /** Null: there is no index, or it does not help. */
  async #rest(filter: SearchFilter, after: SearchPlace): Promise<readonly SearchPlace[] | null> {
    if (!this.#means.hasIndexes) return null;
    return await this.#timed(INDEX_MS, (db) => lookUp(db, filter, after, MOST_MATCHING));
  }

  async #readOn(
    page: Filling,
    filter: SearchFilter,
    after: SearchPlace,
    until: number,
  ): Promise<SearchPage> {
    let place = after;
    while (performance.now() < until) {
      const window = await this.#look(filter, place, WINDOW, until);
      if (window === null) break;
      if (window.last === null) return page.whole;
      if (await page.add(window.matching)) return page.full;
      place = window.last;
    }
    return { hits: page.hits, next: place };
  }

  #look(
    filter: SearchFilter,
    after: SearchPlace | null,
    rows: number,
    until: number,
  ): Promise<Window | null> {
    const left = Math.max(1, Math.ceil(until - performance.now()));
    return this.#timed(left, (db) => lookThrough(db, filter, after, rows));
  }

  /** Null: it took too long. */
  async #timed<T>(ms: number, work: (db: Db) => Promise<T>): Promise<T | null> {
    if (!this.#means.hasTimeouts) return await work(this.#db);
    try {
      return await this.#db.transaction().execute(async (db) => {
        await sql`select set_config('statement_timeout', ${String(ms)}, true)`.execute(db);
        return await work(db);
      });
    } catch (error) {
      const cause = error instanceof Error ? error.cause : null;
      if (cause instanceof pg.DatabaseError && cause.code === '57014') return null;
      throw error;
    }
  }
}
