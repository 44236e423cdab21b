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
import { newestFirst } from './search-conditions.ts';
import { readFound } from './search-found.ts';
import { SpanGrowth } from './search-growth.ts';
import type { TimeSpan } from './search-keys.ts';
import { lookThroughLoose, lookUp } from './search-lookup.ts';
import { isSessionOf, lookThrough, type Window } from './search-windows.ts';
import type { Db } from './tables.ts';

/** Milliseconds after which a page is answered with what was found, */
const LOOK_MS = 2000;
/** and those that one look by the index may take before a shorter one is tried. */
const INDEX_MS = 500;

/** How much is looked at; tests have less. */
export interface SearchSizes {
  /** Texts that are looked through at first, and later at once. */
  readonly first: number;
  readonly window: number;
  /** Where more sheets may have the words, those of a shorter time are enough. */
  readonly sheets: number;
  /** Where more texts are on no sheet yet, text is read window by window. */
  readonly loose: number;
}

const SIZES: SearchSizes = { first: 2000, window: 8000, sheets: 256, loose: 8000 };

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
 * What is rarer is looked up by the sheets that it is on, in times each longer than the one before,
 * until the page is full. Where that is not possible the text is read on, window by window, as long as a
 * page may take. Who may see their own alone has keys of their own in the index of sheets: what
 * others' hold is not in the time that it takes.
 */
export class SqlSearchStore implements SearchStore {
  readonly #db: Db;
  readonly #sizes: SearchSizes;

  constructor(db: Db, sizes = SIZES) {
    this.#db = db;
    this.#sizes = sizes;
  }

  async find(filter: SearchFilter, request: SearchRequest): Promise<SearchPage> {
    const until = performance.now() + LOOK_MS;
    const page = new Filling(this.#db, request);
    if (!(await this.#maySearch(filter))) return page.whole;
    const newest = await this.#look(filter, request.after, this.#sizes.first, until);
    if (newest === null) throw new PosternError('search.too_slow');
    const { last, matching, seconds } = newest;
    if (await page.add(matching)) return page.full;
    if (last === null) return page.whole;
    return await this.#lookUp(page, filter, { last, seconds }, until);
  }

  /** A session that is another's is not even looked at, as one that does not exist. */
  async #maySearch({ onlyOf, userId, sessionId }: SearchFilter): Promise<boolean> {
    if (onlyOf === undefined) return true;
    if (userId !== undefined && userId !== onlyOf) return false;
    return sessionId === undefined || (await isSessionOf(this.#db, sessionId, onlyOf));
  }

  async #lookUp(
    page: Filling,
    filter: SearchFilter,
    newest: { readonly last: SearchPlace; readonly seconds: number },
    until: number,
  ): Promise<SearchPage> {
    let place = newest.last;
    // First: what is put on a sheet meanwhile is found there too.
    const onNone = await this.#lookThroughLoose(filter, place, until);
    if (onNone === null) return await this.#readOn(page, filter, place, until);
    const loose = [...onNone];
    const growth = new SpanGrowth(place.at, newest.seconds);
    while (performance.now() < until) {
      const { span } = growth;
      const found = await this.#lookUpIn(span, filter, place, until);
      if (found === null) {
        if (growth.shrink(span)) continue;
        return await this.#readOn(page, filter, place, until);
      }
      const { from } = span;
      const ended = loose.findIndex(({ at }) => from !== null && at < from);
      const also = loose.splice(0, ended === -1 ? loose.length : ended);
      if (await page.add(eachOnce(found, also))) return page.full;
      if (from === null) return page.whole;
      growth.pass(from);
      // Everything of that moment was looked at.
      place = { at: from, kind: 'command', id: 0 };
    }
    return { hits: page.hits, next: place };
  }

  #lookThroughLoose(
    filter: SearchFilter,
    after: SearchPlace,
    until: number,
  ): Promise<readonly SearchPlace[] | null> {
    return this.#timed(Math.min(INDEX_MS, msUntil(until)), [], (db) =>
      lookThroughLoose(db, filter, after, this.#sizes.loose),
    );
  }

  #lookUpIn(
    span: TimeSpan,
    filter: SearchFilter,
    after: SearchPlace,
    until: number,
  ): Promise<readonly SearchPlace[] | null> {
    return this.#timed(Math.min(INDEX_MS, msUntil(until)), [], (db) =>
      lookUp(db, filter, after, span, this.#sizes.sheets),
    );
  }

  async #readOn(
    page: Filling,
    filter: SearchFilter,
    after: SearchPlace,
    until: number,
  ): Promise<SearchPage> {
    let place = after;
    while (performance.now() < until) {
      const window = await this.#look(filter, place, this.#sizes.window, until);
      if (window === null) break;
      if (await page.add(window.matching)) return page.full;
      if (window.last === null) return page.whole;
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
    return this.#timed(msUntil(until), ['enable_bitmapscan'], (db) =>
      lookThrough(db, filter, after, rows),
    );
  }

  /** Null: it took too long; the embedded database does not keep to a time. */
  async #timed<T>(
    ms: number,
    others: readonly 'enable_bitmapscan'[],
    work: (db: Db) => Promise<T>,
  ): Promise<T | null> {
    try {
      return await this.#db.transaction().execute(async (db) => {
        // Compiling takes longer than any look; long texts have no statistics, so the planner guesses
        // how many there are, and nothing else than the indexes that are meant is to serve.
        await sql`select set_config('statement_timeout', ${String(ms)}, true), (select
          count(set_config(name, 'off', true)) from unnest(${['jit', 'enable_seqscan', ...others]}::text[]) as name)`.execute(
          db,
        );
        return await work(db);
      });
    } catch (error) {
      const cause = error instanceof Error ? error.cause : null;
      if (cause instanceof pg.DatabaseError && cause.code === '57014') return null;
      throw error;
    }
  }
}

function eachOnce(
  found: readonly SearchPlace[],
  also: readonly SearchPlace[],
): readonly SearchPlace[] {
  if (also.length === 0) return found;
  const places = [...found, ...also].map((place) => [`${place.kind} ${place.id}`, place] as const);
  return newestFirst([...new Map(places).values()]);
}

function msUntil(until: number): number {
  return Math.max(1, Math.ceil(until - performance.now()));
}
