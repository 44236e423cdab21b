import { type SelectQueryBuilder, sql } from 'kysely';
import { MAX_LIMIT, type Page, type PageRequest } from '../domain/page.ts';
import type { Tables } from './tables.ts';

/**
 * Reads one page of `found`, newest first; its rows have a key `id`, which is the table's of that name
 * (`id`: where several tables have one). One row more than asked for is read, to know whether there is
 * a next page; rows are counted only for a request by page number.
 */
export async function readPage<
  Table extends keyof Tables,
  Row,
  Made extends { readonly id: number },
>(
  request: PageRequest,
  found: SelectQueryBuilder<Tables, Table, Row>,
  make: (row: Row) => Made,
  id = 'id',
): Promise<Page<Made>> {
  const limit = Math.min(MAX_LIMIT, Math.max(1, Math.trunc(request.limit)));
  const page = request.page === undefined ? null : Math.max(1, Math.trunc(request.page));
  const before = page === null ? (request.before ?? null) : null;
  const offset = page === null ? 0 : Math.min((page - 1) * limit, Number.MAX_SAFE_INTEGER);
  const key = sql.ref<number>(id);
  const older = before === null ? found : found.where(key, '<', before);
  const read = await older
    .orderBy(key, 'desc')
    .limit(limit + 1)
    .offset(offset)
    .execute();
  const rows = read.slice(0, limit).map(make);
  return {
    rows,
    total: page === null ? null : await count(found),
    next: read.length > limit ? (rows.at(-1)?.id ?? null) : null,
  };
}

async function count<Table extends keyof Tables, Row>(
  found: SelectQueryBuilder<Tables, Table, Row>,
): Promise<number> {
  const counted = found.clearSelect().select((eb) => eb.fn.countAll<number>().as('count'));
  return (await counted.executeTakeFirstOrThrow()).count;
}

/** A LIKE pattern that finds `text` anywhere, with nothing in it special. */
export function containing(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`;
}
