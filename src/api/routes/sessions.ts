import { z } from '@hono/zod-openapi';
import {
  SESSION_KINDS,
  SESSION_STATUSES,
  type SessionFilter,
  type SessionStatus,
} from '../../domain/session.ts';
import { seesEverything, type Viewer } from '../../domain/visibility.ts';
import { type Api, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, failureSchema, json, messageOnly, success } from '../envelope.ts';
import { fromBeforeTo, given, idOf, search, time } from '../fields.ts';
import { guarded } from '../guard.ts';
import { onePaging, pageRequest, pagination, paginationSchema, pagingFields } from '../paging.ts';
import { isRedacted, seenChannels } from '../recording-view.ts';
import { seenSession, terminateSession } from '../terminate.ts';
import {
  sessionDetailSchema,
  sessionDetailView,
  sessionSchema,
  sessionView,
} from '../views/session.ts';

/** The seed's two words, all, and the four finer ones. */
const STATUSES: Readonly<Record<string, readonly SessionStatus[] | null>> = {
  active: ['active'],
  ended: ['stopped', 'failed'],
  all: null,
  pending: ['pending'],
  stopped: ['stopped'],
  failed: ['failed'],
};

const query = z
  .strictObject({
    status: z
      .enum(['active', 'ended', 'all', ...SESSION_STATUSES.filter((s) => s !== 'active')])
      .optional()
      .openapi({ description: 'Without it: active' }),
    kind: z.enum(SESSION_KINDS).optional(),
    machine_id: idOf('mch').optional(),
    stack_id: idOf('stk').optional(),
    user_id: idOf('usr').optional(),
    from: time.optional(),
    to: time.optional(),
    search: search.optional(),
    ...pagingFields,
  })
  .superRefine(onePaging)
  .superRefine(fromBeforeTo);

const params = z.object({ id: idOf('sess') });

const listRoute = guarded('sessions:read', {
  method: 'get',
  path: '/v1/sessions',
  summary: 'Sessions, newest first: the active ones unless status says otherwise',
  request: { query },
  responses: {
    200: json(
      enveloped(z.object({ sessions: z.array(sessionSchema), pagination: paginationSchema })),
      'A page of sessions',
    ),
  },
});

const getRoute = guarded('sessions:read', {
  method: 'get',
  path: '/v1/sessions/{id}',
  summary: 'One session with its channels and recordings',
  request: { params },
  responses: { 200: json(enveloped(sessionDetailSchema), 'The session') },
});

const deleteRoute = guarded('sessions:write', {
  method: 'delete',
  path: '/v1/sessions/{id}',
  summary: 'Ends a live session; answers when it has ended',
  request: { params },
  responses: {
    200: json(messageOnly, 'It has ended'),
    409: json(failureSchema, 'It had ended already'),
    503: json(failureSchema, 'Its node did not confirm in time'),
  },
});

/** Null: what is asked for lies wholly outside what the viewer may see. */
function filterOf(asked: z.infer<typeof query>, viewer: Viewer): SessionFilter | null {
  const statuses = STATUSES[asked.status ?? 'active'] ?? null;
  const own = viewer.userId;
  const restricted = !seesEverything(viewer) && own !== null;
  if (restricted && asked.user_id !== undefined && asked.user_id !== own) return null;
  return {
    statuses,
    ...given({
      kind: asked.kind,
      machineId: asked.machine_id,
      stackId: asked.stack_id,
      userId: restricted ? own : asked.user_id,
      from: asked.from,
      to: asked.to,
      search: asked.search,
    }),
  };
}

export function sessionRoutes(api: Api, deps: ApiDeps): void {
  const { sessions } = deps.store;

  api.openapi(listRoute, async (c) => {
    const asked = c.req.valid('query');
    const request = pageRequest(asked);
    const filter = filterOf(asked, callerOf(c).viewer);
    const page =
      filter === null ? { rows: [], total: 0, next: null } : await sessions.list(filter, request);
    return c.json(
      success({ sessions: page.rows.map(sessionView), pagination: pagination(request, page) }),
      200,
    );
  });

  api.openapi(getRoute, async (c) => {
    const caller = callerOf(c);
    const session = await seenSession(deps, caller, c.req.valid('param').id);
    const [channels, recordings] = await Promise.all([
      sessions.channels(session.id),
      sessions.recordings(session.id),
    ]);
    const shown = seenChannels(deps, caller, channels);
    const hides = isRedacted(caller, undefined);
    return c.json(success(sessionDetailView(session, shown, recordings, hides)), 200);
  });

  api.openapi(deleteRoute, async (c) => {
    await terminateSession(deps, callerOf(c), c.req.valid('param').id);
    return c.json({ success: true as const, message: 'Session terminated successfully' }, 200);
  });
}
