import { MAX_LIMIT, type Page, type PageRequest } from '../domain/page.ts';

/** Which rows to read: newest first, after `before` where given. */
export interface Slice {
  readonly limit: number;
  readonly offset: number;
  /** Above every key where the request has none. */
  readonly before: number;
}

/**
 * Reads one page. One row more than asked for is read, to know whether there is a next page; rows
 * are counted only for a request by page number.
 */
export async function readPage<Row, Made>(
  request: PageRequest,
  source: {
    readonly rows: (slice: Slice) => Promise<readonly Row[]>;
    readonly count: () => Promise<number>;
    readonly make: (row: Row) => Made;
    readonly key: (made: Made) => number;
  },
): Promise<Page<Made>> {
  const limit = Math.min(MAX_LIMIT, Math.max(1, Math.trunc(request.limit)));
  const page = request.page === undefined ? null : Math.max(1, Math.trunc(request.page));
  const before = page === null ? (request.before ?? null) : null;
  const offset = page === null ? 0 : Math.min((page - 1) * limit, Number.MAX_SAFE_INTEGER);
  const found = await source.rows({
    limit: limit + 1,
    offset,
    before: before ?? Number.MAX_SAFE_INTEGER,
  });
  const rows = found.slice(0, limit).map(source.make);
  const last = rows.at(-1);
  return {
    rows,
    total: page === null ? null : await source.count(),
    next: found.length > limit && last !== undefined ? source.key(last) : null,
  };
}

/** A LIKE pattern that finds `text` anywhere, with nothing in it special. */
export function containing(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`;
}
