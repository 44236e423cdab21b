import { z } from '@hono/zod-openapi';
import { PosternError } from '../domain/errors.ts';
import type { Window } from '../domain/terminal.ts';
import type { TerminalEnd } from '../domain/web-terminal.ts';

/** Columns or rows of a terminal. */
const MOST_CELLS = 1000;

const cells = z
  .int('must be a whole number')
  .min(1, 'must be at least 1')
  .max(MOST_CELLS, `must be at most ${MOST_CELLS}`);

export const terminalSize = z.strictObject({ cols: cells, rows: cells });

const message = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('auth'), token: z.string().min(1).max(200) }),
  z.strictObject({ type: z.literal('input'), data: z.string() }),
  z.strictObject({ type: z.literal('resize'), cols: cells, rows: cells }),
  z.strictObject({ type: z.literal('ping') }),
  z.strictObject({ type: z.literal('pong') }),
]);

/** What comes from a terminal's user. */
export type FromUser = z.infer<typeof message>;

/** What goes to them. */
export type ToUser =
  | { readonly type: 'output'; readonly data: string }
  | { readonly type: 'error'; readonly code: string; readonly message: string }
  | {
      readonly type: 'disconnect';
      readonly reason: TerminalEnd['reason'];
      readonly exit_status: number | null;
      readonly message: string | null;
    }
  | { readonly type: 'pong' };

/** Throws `terminal.message`. */
export function readMessage(text: string): FromUser {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new PosternError('terminal.message', { problem: 'it is not JSON' });
  }
  const read = message.safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? 'it' : issue.path.join('.');
  throw new PosternError('terminal.message', { problem: `${where}: ${issue?.message ?? ''}` });
}

export function windowOf({ cols, rows }: z.infer<typeof terminalSize>): Window {
  return { cols, rows, width: 0, height: 0 };
}
