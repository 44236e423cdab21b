import { z } from '@hono/zod-openapi';
import { AUDIT_TYPES, type AuditEvent, type LinkedAuditEvent } from '../domain/audit.ts';
import { formatId } from '../domain/ids.ts';
import { isoTime, outId, outTime } from './fields.ts';

const state = z.record(z.string(), z.unknown()).nullable();

export const auditEventSchema = z
  .object({
    id: outId('aud'),
    at: outTime,
    type: z.enum(AUDIT_TYPES),
    actor: z.string().nullable(),
    user_id: outId('usr').nullable(),
    machine_id: outId('mch').nullable(),
    session_id: outId('sess').nullable(),
    source: z.string().nullable(),
    detail: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
    before: state.openapi({
      description:
        'What was changed or removed, as it was; of a change the fields that differ. Never a secret',
    }),
    after: state.openapi({
      description: 'What was made or changed, as it is since; null: neither',
    }),
  })
  .openapi('AuditEvent');

export type AuditEventView = z.infer<typeof auditEventSchema>;

export function auditEventView(event: AuditEvent): AuditEventView {
  return {
    id: formatId('aud', event.id),
    at: isoTime(event.at),
    type: event.type,
    actor: event.actor,
    user_id: event.userId === null ? null : formatId('usr', event.userId),
    machine_id: event.machineId === null ? null : formatId('mch', event.machineId),
    session_id: event.sessionId === null ? null : formatId('sess', event.sessionId),
    source: event.source,
    detail: { ...event.detail },
    before: event.before,
    after: event.after,
  };
}

const COLUMNS = [
  'id',
  'at',
  'type',
  'actor',
  'user_id',
  'machine_id',
  'session_id',
  'source',
  'detail',
  'before',
  'after',
  'position',
  'hash',
] as const;

/** One JSON object a line. */
export async function* ndjsonOf(events: AsyncIterable<LinkedAuditEvent>): AsyncGenerator<string> {
  for await (const event of events) yield `${JSON.stringify(linkedView(event))}\n`;
}

/** With a header, as RFC 4180 says; what is JSON in the API is JSON in a field. */
export async function* csvOf(events: AsyncIterable<LinkedAuditEvent>): AsyncGenerator<string> {
  yield `${COLUMNS.join(',')}\r\n`;
  for await (const event of events) {
    const view = linkedView(event);
    yield `${COLUMNS.map((column) => fieldOf(view[column])).join(',')}\r\n`;
  }
}

function linkedView(event: LinkedAuditEvent) {
  return { ...auditEventView(event), position: event.position, hash: event.hash };
}

/** A text that a spreadsheet would take for a formula stands behind an apostrophe. */
function fieldOf(value: unknown): string {
  if (value === null) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  const harmless = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
