import { z } from '@hono/zod-openapi';
import { HTTP_STATUS } from '../domain/error-entry.ts';
import { CATALOGUE, type ErrorCode, type FieldProblem } from '../domain/errors.ts';

/** `{"success":true,"data":…,"message"?:…}` around what a route answers. */
export function enveloped<T extends z.ZodType>(data: T) {
  return z.object({ success: z.literal(true), data });
}

export const messageOnly = z.object({ success: z.literal(true), message: z.string() });

export const failureSchema = z
  .object({
    success: z.literal(false),
    error: z.object({
      code: z.enum(Object.keys(HTTP_STATUS)),
      message: z.string(),
      details: z
        .union([
          z.array(z.object({ field: z.string(), message: z.string() })),
          z.object({ request_id: z.string() }),
        ])
        .optional(),
    }),
  })
  .openapi('Failure');

export function success<T>(data: T): { success: true; data: T } {
  return { success: true, data };
}

/** The body of a failure; `details` only where there is something to say. */
export function failure(
  code: ErrorCode,
  message: string,
  details: readonly FieldProblem[] | { readonly request_id: string } = [],
) {
  const none = Array.isArray(details) && details.length === 0;
  return {
    success: false,
    error: { code: CATALOGUE[code].api, message, ...(none ? {} : { details }) },
  } as const;
}

/** A JSON answer's entry in a route definition. */
export function json<T extends z.ZodType>(schema: T, description: string) {
  return { description, content: { 'application/json': { schema } } } as const;
}
