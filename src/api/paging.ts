import { z } from '@hono/zod-openapi';
import { DEFAULT_LIMIT, MAX_LIMIT, type Page, type PageRequest } from '../domain/page.ts';

/** Whole numbers in a query arrive as text. */
export function wholeNumber(least: number, most: number) {
  return z
    .string()
    .regex(/^[0-9]{1,15}$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= least && value <= most, `must be from ${least} to ${most}`)
    .openapi({ type: 'integer', minimum: least, maximum: most });
}

/** The query fields of every list: `limit` with either `page` or `cursor`. */
export const pagingFields = {
  limit: wholeNumber(1, MAX_LIMIT).optional(),
  page: wholeNumber(1, 1_000_000).optional(),
  cursor: z
    .string()
    .regex(/^([1-9][0-9]{0,14})?$/, 'is not a cursor of this list')
    .openapi({ description: 'Empty to begin; then next_cursor of the last answer' })
    .optional(),
};

export interface PagingQuery {
  readonly limit?: number | undefined;
  readonly page?: number | undefined;
  readonly cursor?: string | undefined;
}

/** The refinement of a list's query: `page` and `cursor` are two ways through the same list. */
export function onePaging(query: PagingQuery, context: z.RefinementCtx): void {
  if (query.page !== undefined && query.cursor !== undefined) {
    context.addIssue({ code: 'custom', path: ['cursor'], message: 'cannot be given with page' });
  }
}

export function pageRequest(query: PagingQuery): PageRequest {
  const limit = query.limit ?? DEFAULT_LIMIT;
  if (query.cursor === undefined) return { limit, page: query.page ?? 1 };
  return { limit, before: query.cursor === '' ? Number.MAX_SAFE_INTEGER : Number(query.cursor) };
}

export const paginationSchema = z
  .object({
    page: z.int().optional(),
    limit: z.int(),
    total: z.int().optional().openapi({
      description:
        'Exact up to 10 000 (1000 in a search); of more than these, about how many there are',
    }),
    total_pages: z.int().optional(),
    next_cursor: z.string().nullable(),
  })
  .openapi('Pagination');

/** By page: page, limit, total, total_pages; by cursor: limit. Both: where to go on by cursor. */
export function pagination(request: PageRequest, page: Page<unknown>) {
  const { limit } = request;
  const next_cursor = page.next === null ? null : String(page.next);
  if (request.page === undefined) return { limit, next_cursor };
  const total = page.total ?? 0;
  const total_pages = Math.ceil(total / limit);
  return { page: request.page, limit, total, total_pages, next_cursor };
}
