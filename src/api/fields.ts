import { z } from '@hono/zod-openapi';
import { TOTP_POLICIES } from '../domain/factor.ts';
import { formatId, type IdKind, parseId } from '../domain/ids.ts';
import { isLogin, isMachineName, isUserName, NAME_RULE } from '../domain/names.ts';
import { MAX_PASSWORD, MIN_PASSWORD } from '../domain/password.ts';

const EXAMPLE = 12;

const NO_CONTROLS = 'must not have control characters';

/** An id with or without its prefix, from a path, a query or a body. */
export function idOf(kind: IdKind) {
  const wrong = `is not an id: ${formatId(kind, EXAMPLE)} or ${EXAMPLE}`;
  return z
    .string()
    .transform((text, context) => {
      const key = parseId(kind, text);
      if (key === null) context.addIssue({ code: 'custom', message: wrong });
      return key ?? z.NEVER;
    })
    .openapi({ type: 'string', example: formatId(kind, EXAMPLE) });
}

/** An id as it is answered. */
export function outId(kind: IdKind) {
  return z.string().openapi({ example: formatId(kind, EXAMPLE) });
}

/** A time: ISO 8601 with a zone, or a date, which is its midnight in UTC. */
export const time = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], {
    error: 'is not a time: 2024-01-31T12:00:00Z, or 2024-01-31',
  })
  .transform((text) => new Date(text))
  .openapi({ type: 'string', format: 'date-time' });

/** That, or null; said again, as a type that is given to the document stands for the whole. */
export function orNull<T extends z.ZodType>(schema: T) {
  return schema.nullable().openapi({ type: ['string', 'null'] });
}

export const outTime = z.string().openapi({ format: 'date-time' });

export function isoTime(date: Date): string {
  return date.toISOString();
}

export function isoTimeOrNull(date: Date | null): string | null {
  return date === null ? null : date.toISOString();
}

/** Text without control characters (PostgreSQL cannot store NUL), of at most `most` characters. */
export function text(most: number) {
  return z
    .string()
    .max(most, `must have at most ${most} characters`)
    .refine((value) => !/\p{Cc}/u.test(value), NO_CONTROLS);
}

/** The same, of several lines. */
export function lines(most: number) {
  return z
    .string()
    .max(most, `must have at most ${most} characters`)
    .refine((value) => !/[^\P{Cc}\t\r\n]/u.test(value), NO_CONTROLS);
}

export const search = text(200).min(1).openapi({ description: 'Part of a name, case folded' });

export const userName = z.string().refine(isUserName, `must be ${NAME_RULE}`);
export const machineName = z.string().refine(isMachineName, `must be ${NAME_RULE}`);
export const login = z.string().refine(isLogin, 'is not an account name');

export const password = z
  .string()
  .min(MIN_PASSWORD, `must have at least ${MIN_PASSWORD} characters`)
  .refine(
    (value) => new TextEncoder().encode(value).length <= MAX_PASSWORD,
    `must have at most ${MAX_PASSWORD} bytes`,
  )
  .refine((value) => !/\p{Cc}/u.test(value), NO_CONTROLS);

export const totp = z.enum(TOTP_POLICIES).openapi({
  description: 'required: a code at every sign-in; optional: where a grant demands one',
});

/** A JSON body's entry in a route definition. */
export function body<T extends z.ZodType>(schema: T) {
  return { body: { required: true, content: { 'application/json': { schema } } } } as const;
}

/** The refinement of a query with `from` and `to`. */
export function fromBeforeTo(
  query: { readonly from?: Date | undefined; readonly to?: Date | undefined },
  context: z.RefinementCtx,
): void {
  if (query.from !== undefined && query.to !== undefined && query.from > query.to) {
    context.addIssue({ code: 'custom', path: ['from'], message: 'must not be after to' });
  }
}

/** Leaves out what was not given, for filters with exact optional fields. */
export function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const kept = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** Whether what is secret is to be hidden: see recording-view.ts. */
export const redact = z.enum(['0', '1']).optional().openapi({
  description:
    '1: with what is secret hidden, as for who lacks recordings:raw; 0: as it is, which needs that scope',
});
