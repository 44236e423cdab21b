import { type RawBuilder, type SelectQueryBuilder, sql } from 'kysely';
import { MAX_LIMIT, type Page, type PageRequest } from '../domain/page.ts';
import type { Db, Tables } from './tables.ts';

/** Rows that are counted; of more than these it is told about how many there are. */
const COUNTED = 10_000;

/** What rows are sorted by besides their key, and the whole table that has both. */
export interface ByTime {
  readonly table: keyof Tables;
  readonly column: string;
}

/**
 * Reads one page of `found`, newest first; its rows have a key `id`, which is the table's of that name
 * (`id`: where several tables have one). One row more than asked for is read, to know whether there is
 * a next page; rows are counted only for a request by page number, and exactly up to `counted`.
 *
 * `byTime` sorts by a time first, and by the key among equals: for filters of that time, for which an index on
 * both gives the page at once, wherever in a large table it lies.
 */
export async function readPage<
  Table extends keyof Tables,
  Row,
  Made extends { readonly id: number },
>(
  db: Db,
  request: PageRequest,
  found: SelectQueryBuilder<Tables, Table, Row>,
  make: (row: Row) => Made,
  {
    id = 'id',
    byTime = null,
    counted = COUNTED,
  }: {
    readonly id?: string;
    readonly byTime?: ByTime | null;
    readonly counted?: number;
  } = {},
): Promise<Page<Made>> {
  const limit = Math.min(MAX_LIMIT, Math.max(1, Math.trunc(request.limit)));
  const page = request.page === undefined ? null : Math.max(1, Math.trunc(request.page));
  const before = page === null ? (request.before ?? null) : null;
  const offset = page === null ? 0 : Math.min((page - 1) * limit, Number.MAX_SAFE_INTEGER);
  const sorted = inOrder(
    before === null ? found : found.where(olderThan(before, id, byTime)),
    id,
    byTime,
  );
  const read = await sorted
    .limit(limit + 1)
    .offset(offset)
    .execute();
  const rows = read.slice(0, limit).map(make);
  // The last page says how many there are.
  const isLast = read.length <= limit && (read.length > 0 || offset === 0);
  const counting = () => count(db, inOrder(found, id, byTime), counted);
  return {
    rows,
    total: page === null ? null : isLast ? offset + read.length : await counting(),
    next: read.length > limit ? (rows.at(-1)?.id ?? null) : null,
  };
}

function inOrder<Table extends keyof Tables, Row>(
  found: SelectQueryBuilder<Tables, Table, Row>,
  id: string,
  byTime: ByTime | null,
): SelectQueryBuilder<Tables, Table, Row> {
  const timed = byTime === null ? found : found.orderBy(sql.ref<Date>(byTime.column), 'desc');
  return timed.orderBy(sql.ref<number>(id), 'desc');
}

/** By time: behind the row of that key, or, where there is none, behind where it would be. */
function olderThan(before: number, id: string, byTime: ByTime | null): RawBuilder<boolean> {
  const key = sql.ref<number>(id);
  if (byTime === null || before === Number.MAX_SAFE_INTEGER) {
    return sql<boolean>`${key} < ${before}::bigint`;
  }
  const time = sql.ref<Date>(byTime.column);
  return sql<boolean>`(${time}, ${key}) < ((select ${time} from ${sql.table(byTime.table)}
    where id <= ${before}::bigint order by id desc limit 1), ${before}::bigint)`;
}

/** In the order of the list, so that counting reads what the list would; above `most` the planner's guess. */
async function count<Table extends keyof Tables, Row>(
  db: Db,
  sorted: SelectQueryBuilder<Tables, Table, Row>,
  most: number,
): Promise<number> {
  const all = sorted.clearSelect().select(sql.lit(1).as('one'));
  const { rows } = await sql<{ readonly counted: number }>`
    select count(*) as counted from (${all.limit(most + 1)}) as those`.execute(db);
  const counted = rows[0]?.counted ?? 0;
  if (counted <= most) return counted;
  return Math.max(counted, await guessed(db, all));
}

/** About how many rows there are, as the planner thinks; they are not read. */
export async function guessed<Table extends keyof Tables, Row>(
  db: Db,
  found: SelectQueryBuilder<Tables, Table, Row>,
): Promise<number> {
  const plans = await sql<{ readonly 'QUERY PLAN': readonly [Explained] }>`
    explain (format json) ${found.clearOrderBy()}`.execute(db);
  return plans.rows[0]?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0;
}

interface Explained {
  readonly Plan: { readonly 'Plan Rows': number };
}

/** A LIKE pattern that finds `text` anywhere, with nothing in it special. */
export function containing(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`;
}
