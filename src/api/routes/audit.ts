import { z } from '@hono/zod-openapi';
import { AUDIT_TYPES, type AuditFilter } from '../../domain/audit.ts';
import { formatId } from '../../domain/ids.ts';
import { seesEverything, type Viewer } from '../../domain/visibility.ts';
import { auditEventSchema, auditEventView, csvOf, ndjsonOf } from '../audit-view.ts';
import { type Api, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, json, success } from '../envelope.ts';
import { body, fromBeforeTo, given, idOf, time } from '../fields.ts';
import { guarded } from '../guard.ts';
import { note } from '../journal.ts';
import { onePaging, pageRequest, pagination, paginationSchema, pagingFields } from '../paging.ts';
import { textStream } from '../text-stream.ts';

const filterFields = {
  type: z.enum(AUDIT_TYPES).optional(),
  user_id: idOf('usr').optional(),
  machine_id: idOf('mch').optional(),
  session_id: idOf('sess').optional(),
  from: time.optional(),
  to: time.optional(),
};

const query = z
  .strictObject({ ...filterFields, ...pagingFields })
  .superRefine(onePaging)
  .superRefine(fromBeforeTo);

const exportQuery = z
  .strictObject({
    ...filterFields,
    format: z.enum(['ndjson', 'csv']).optional().openapi({ description: 'Without it: ndjson' }),
  })
  .superRefine(fromBeforeTo);

const linkSchema = z.strictObject({
  position: z.int().min(1),
  hash: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal'),
});

const verdictSchema = z
  .object({
    whole: z
      .boolean()
      .openapi({ description: 'Every event is as it was written, and none is missing' }),
    events: z.int(),
    head: linkSchema.nullable().openapi({
      description: 'The last link that is right: keep it elsewhere, and ask with it another time',
    }),
    problem: z
      .enum(['changed', 'removed', 'added', 'head'])
      .nullable()
      .openapi({ description: 'head: the link that was kept is none of these events' }),
    event: z
      .string()
      .nullable()
      .openapi({ description: 'The first event that it shows at', example: 'aud_12' }),
  })
  .openapi('AuditVerdict');

const listRoute = guarded('audit:read', {
  method: 'get',
  path: '/v1/audit',
  summary: 'What happened, newest first',
  request: { query },
  responses: {
    200: json(
      enveloped(z.object({ events: z.array(auditEventSchema), pagination: paginationSchema })),
      'A page of events',
    ),
  },
});

const exportRoute = guarded('audit:read', {
  method: 'get',
  path: '/v1/audit/export',
  summary: 'All of it that the filter finds, oldest first, each event with its place in the chain',
  request: { query: exportQuery },
  responses: {
    200: {
      description: 'A stream',
      content: {
        'application/x-ndjson': { schema: z.string() },
        'text/csv': { schema: z.string() },
      },
    },
  },
});

const verifyRoute = guarded('audit:read', {
  method: 'post',
  path: '/v1/audit/verification',
  summary: 'Whether the audit is as it was written: computes its chain anew',
  request: body(z.strictObject({ head: linkSchema.optional() })),
  responses: { 200: json(enveloped(verdictSchema), 'What was found') },
});

type Asked = Omit<z.infer<typeof exportQuery>, 'format'>;

function filterOf(asked: Asked, viewer: Viewer): AuditFilter {
  const own = seesEverything(viewer) ? asked.user_id : (viewer.userId ?? undefined);
  return given({
    type: asked.type,
    userId: own,
    machineId: asked.machine_id,
    sessionId: asked.session_id,
    from: asked.from,
    to: asked.to,
  });
}

export function auditRoutes(api: Api, deps: ApiDeps): void {
  const { audit } = deps.store;

  api.openapi(listRoute, async (c) => {
    const asked = c.req.valid('query');
    const request = pageRequest(asked);
    const page = await audit.list(filterOf(asked, callerOf(c).viewer), request);
    const events = page.rows.map(auditEventView);
    return c.json(success({ events, pagination: pagination(request, page) }), 200);
  });

  api.openapi(exportRoute, async (c) => {
    const { format = 'ndjson', ...asked } = c.req.valid('query');
    const caller = callerOf(c);
    await note(deps.store, caller, deps.clock(), 'audit.exported', { detail: { format } });
    const events = audit.walk(filterOf(asked, caller.viewer));
    const isCsv = format === 'csv';
    return new Response(await textStream(isCsv ? csvOf(events) : ndjsonOf(events)), {
      headers: {
        'Content-Type': isCsv ? 'text/csv; charset=utf-8' : 'application/x-ndjson',
        'Content-Disposition': `attachment; filename="audit.${format}"`,
      },
    });
  });

  api.openapi(verifyRoute, async (c) => {
    const { events, head, flaw } = await audit.verify(c.req.valid('json').head ?? null);
    const event = flaw?.event ?? null;
    const verdict = {
      whole: flaw === null,
      ...{ events, head },
      problem: flaw?.problem ?? null,
      event: event === null ? null : formatId('aud', event),
    };
    return c.json(success(verdict), 200);
  });
}
