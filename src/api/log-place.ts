import { z } from '@hono/zod-openapi';
import type { LogPlace } from '../domain/analysis.ts';

const FORM = /^(\d{1,7})-(\d{1,15})-([co])-(\d{1,9})$/;

/** Where a page of a session's log or commands begins: channel, milliseconds, kind and index. */
export const logCursor = z
  .string()
  .regex(/^(?:\d{1,7}-\d{1,15}-[co]-\d{1,9}|\d{1,15})?$/, 'is not a cursor of this list')
  .openapi({ description: 'Empty to begin; then next_cursor of the last answer' });

/** Null: none of ours; a number counts entries that were read off files. */
export function placeOf(cursor: string | undefined): LogPlace | null {
  const match = FORM.exec(cursor ?? '');
  if (match === null) return null;
  const [, channel, at, type, index] = match;
  return {
    channel: Number(channel),
    at: new Date(Number(at)),
    type: type === 'c' ? 'command' : 'output',
    index: Number(index),
  };
}

export function cursorOf({ channel, at, type, index }: LogPlace): string {
  return `${channel}-${at.getTime()}-${type[0]}-${index}`;
}
