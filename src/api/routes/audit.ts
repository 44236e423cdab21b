import { z } from '@hono/zod-openapi';
import { AUDIT_TYPES, type AuditEvent } from '../../domain/audit.ts';
import { formatId } from '../../domain/ids.ts';
import { seesEverything } from '../../domain/visibility.ts';
import { type Api, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, json, success } from '../envelope.ts';
import { fromBeforeTo, given, idOf, isoTime, outId, outTime, time } from '../fields.ts';
import { guarded } from '../guard.ts';
import { onePaging, pageRequest, pagination, paginationSchema, pagingFields } from '../paging.ts';

const query = z
  .strictObject({
    type: z.enum(AUDIT_TYPES).optional(),
    user_id: idOf('usr').optional(),
    machine_id: idOf('mch').optional(),
    session_id: idOf('sess').optional(),
    from: time.optional(),
    to: time.optional(),
    ...pagingFields,
  })
  .superRefine(onePaging)
  .superRefine(fromBeforeTo);

const eventSchema = z
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
  })
  .openapi('AuditEvent');

const listRoute = guarded('audit:read', {
  method: 'get',
  path: '/v1/audit',
  summary: 'What happened, newest first',
  request: { query },
  responses: {
    200: json(
      enveloped(z.object({ events: z.array(eventSchema), pagination: paginationSchema })),
      'A page of events',
    ),
  },
});

function eventView(event: AuditEvent): z.infer<typeof eventSchema> {
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
  };
}

export function auditRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(listRoute, async (c) => {
    const asked = c.req.valid('query');
    const { viewer } = callerOf(c);
    const request = pageRequest(asked);
    const own = seesEverything(viewer) ? asked.user_id : (viewer.userId ?? undefined);
    const filter = given({
      type: asked.type,
      userId: own,
      machineId: asked.machine_id,
      sessionId: asked.session_id,
      from: asked.from,
      to: asked.to,
    });
    const page = await deps.store.audit.list(filter, request);
    const events = page.rows.map(eventView);
    return c.json(success({ events, pagination: pagination(request, page) }), 200);
  });
}
