import { z } from '@hono/zod-openapi';
import { json } from './envelope.ts';
import { text } from './fields.ts';
import { wholeNumber } from './paging.ts';
import { plainFailureSchema } from './plain-failure.ts';

/** What the routes of the Cloud 66 wire form have in common. */

const uid = text(200).min(1).openapi({ description: 'Uid or name of a stack' });

export const stackParams = z.object({ uid });

/** The last part of a path, with the type that belongs to it; without it, once it is read. */
export const file = text(205)
  .refine((name) => name.endsWith('.json'), 'must end in .json')
  .transform((name) => name.slice(0, -'.json'.length))
  .openapi({ type: 'string', description: 'With .json at its end', example: 'shop.json' });

/** Clients send the page with everything. */
export const page = wholeNumber(1, 1_000_000).optional();

export const serviceName = text(200).optional();

export const paginationSchema = z.object({
  previous: z.int().nullable(),
  next: z.int().nullable(),
  current: z.int(),
});

export function wrapped<T extends z.ZodType>(response: T) {
  return z.object({ response });
}

export function listed<T extends z.ZodType>(row: T) {
  return z.object({ response: z.array(row), count: z.int(), pagination: paginationSchema });
}

export const NONE = json(plainFailureSchema, 'None that the caller may see');
export const WHY = json(plainFailureSchema, 'Why there is none');
