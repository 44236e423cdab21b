import { z } from '@hono/zod-openapi';
import { formatId } from '../../domain/ids.ts';
import type { KeptRecording, RecordingFilter, Swept } from '../../domain/kept-recording.ts';
import { RECORDING_STATES } from '../../domain/recording.ts';
import { seesEverything, type Viewer } from '../../domain/visibility.ts';
import { type Api, type Caller, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, failureSchema, json, messageOnly, success } from '../envelope.ts';
import {
  body,
  fromBeforeTo,
  given,
  idOf,
  isoTime,
  isoTimeOrNull,
  outId,
  outTime,
  text,
  time,
} from '../fields.ts';
import { guarded } from '../guard.ts';
import { note } from '../journal.ts';
import { holdSession, releaseSession } from '../legal-hold.ts';
import {
  onePaging,
  pageRequest,
  pagination,
  paginationSchema,
  pagingFields,
  wholeNumber,
} from '../paging.ts';
import { deleteRecording } from '../recording-removal.ts';
import { isRedacted } from '../recording-view.ts';
import { holdSchema, holdView } from '../views/session.ts';

const keptSchema = z
  .object({
    id: outId('rec'),
    session_id: outId('sess'),
    channel: z.int(),
    user: z.string(),
    machine: z.string(),
    login: z.string(),
    node: z.string().openapi({ description: 'The node that its bytes are on' }),
    state: z.enum(RECORDING_STATES),
    size: z.int().nullable(),
    duration: z.number().nullable(),
    sha256: z.string().nullable(),
    started_at: outTime,
    ended_at: outTime.nullable(),
    deleted_at: outTime.nullable(),
    deleted_by: z.string().nullable(),
    legal_hold: holdSchema.nullable(),
  })
  .openapi('Recording');

const query = z
  .strictObject({
    state: z.enum(RECORDING_STATES).optional(),
    user_id: idOf('usr').optional(),
    machine_id: idOf('mch').optional(),
    session_id: idOf('sess').optional(),
    from: time.optional(),
    to: time.optional(),
    ...pagingFields,
  })
  .superRefine(onePaging)
  .superRefine(fromBeforeTo);

const params = z.object({ id: idOf('sess') });

const listRoute = guarded('recordings:read', {
  method: 'get',
  path: '/v1/recordings',
  summary: 'The recordings that the caller may see, newest first, deleted ones too',
  request: { query },
  responses: {
    200: json(
      enveloped(z.object({ recordings: z.array(keptSchema), pagination: paginationSchema })),
      'A page of recordings',
    ),
  },
});

const deleteRoute = guarded('admin', {
  method: 'delete',
  path: '/v1/sessions/{id}/recording',
  summary: 'Deletes a recording and what was made of it; its hash and its seals stay',
  request: {
    params,
    query: z.strictObject({
      channel: wholeNumber(1, 1_000_000)
        .optional()
        .openapi({ description: 'Without it: the first that has a recording' }),
    }),
  },
  responses: {
    200: json(messageOnly, 'It was deleted'),
    409: json(failureSchema, 'It is under legal hold, being written, or on another node'),
  },
});

const holdRoute = guarded('admin', {
  method: 'put',
  path: '/v1/sessions/{id}/legal-hold',
  summary: 'Puts the recordings of a session under legal hold: nothing deletes them',
  request: { params, ...body(z.strictObject({ reason: text(500).default('') })) },
  responses: {
    200: json(messageOnly, 'They are'),
    409: json(failureSchema, 'They were already'),
  },
});

const releaseRoute = guarded('admin', {
  method: 'delete',
  path: '/v1/sessions/{id}/legal-hold',
  summary: 'Ends the legal hold on the recordings of a session',
  request: { params },
  responses: {
    200: json(messageOnly, 'It has ended'),
    409: json(failureSchema, 'There was none'),
  },
});

const sweepRoute = guarded('admin', {
  method: 'post',
  path: '/v1/recordings/sweep',
  summary: 'Deletes now what this node has kept long enough, or says what that would be',
  request: body(z.strictObject({ dry_run: z.boolean().default(false) })),
  responses: {
    200: json(
      enveloped(
        z.object({
          dry_run: z.boolean(),
          count: z.int(),
          bytes: z.int(),
          more: z.boolean().openapi({ description: 'The next sweep goes on' }),
          recordings: z.array(keptSchema.extend({ why: z.enum(['age', 'size']) })),
        }),
      ),
      'What was, or would be, deleted',
    ),
  },
});

function keptView(
  { recording, session }: KeptRecording,
  hides: boolean,
): z.infer<typeof keptSchema> {
  return {
    id: formatId('rec', recording.id),
    session_id: formatId('sess', session.id),
    channel: recording.channel,
    user: session.userName,
    machine: session.machineName,
    login: session.login,
    node: session.node,
    state: recording.state,
    size: recording.size,
    duration: recording.duration,
    sha256: hides ? null : recording.sha256,
    started_at: isoTime(recording.startedAt),
    ended_at: isoTimeOrNull(recording.endedAt),
    deleted_at: isoTimeOrNull(recording.removed?.at ?? null),
    deleted_by: recording.removed?.by ?? null,
    legal_hold: holdView(session),
  };
}

/** Null: what is asked for lies wholly outside what the viewer may see. */
function filterOf(asked: z.infer<typeof query>, viewer: Viewer): RecordingFilter | null {
  const own = seesEverything(viewer) ? null : viewer.userId;
  if (own !== null && asked.user_id !== undefined && asked.user_id !== own) return null;
  return given({
    state: asked.state,
    userId: own ?? asked.user_id,
    machineId: asked.machine_id,
    sessionId: asked.session_id,
    from: asked.from,
    to: asked.to,
  });
}

/** Each deletion is an event of its own besides. */
async function sweep(deps: ApiDeps, caller: Caller, dryRun: boolean): Promise<Swept> {
  const { name: by, userId } = caller.viewer;
  const swept = await deps.retention.sweep({ dryRun, who: { by, userId, source: caller.source } });
  if (!dryRun) {
    const detail = { deleted: swept.count, bytes: swept.bytes };
    await note(deps.store, caller, deps.clock(), 'recordings.swept', { detail });
  }
  return swept;
}

export function recordingRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(listRoute, async (c) => {
    const asked = c.req.valid('query');
    const request = pageRequest(asked);
    const filter = filterOf(asked, callerOf(c).viewer);
    const page =
      filter === null
        ? { rows: [], total: 0, next: null }
        : await deps.store.recordings.list(filter, request);
    const hides = isRedacted(callerOf(c), undefined);
    const recordings = page.rows.map((one) => keptView(one, hides));
    return c.json(success({ recordings, pagination: pagination(request, page) }), 200);
  });

  api.openapi(deleteRoute, async (c) => {
    const { channel } = c.req.valid('query');
    await deleteRecording(deps, callerOf(c), c.req.valid('param').id, channel);
    return c.json({ success: true as const, message: 'Recording deleted' }, 200);
  });

  api.openapi(holdRoute, async (c) => {
    await holdSession(deps, callerOf(c), c.req.valid('param').id, c.req.valid('json').reason);
    return c.json({ success: true as const, message: 'Recordings under legal hold' }, 200);
  });

  api.openapi(releaseRoute, async (c) => {
    await releaseSession(deps, callerOf(c), c.req.valid('param').id);
    return c.json({ success: true as const, message: 'Legal hold ended' }, 200);
  });

  api.openapi(sweepRoute, async (c) => {
    const { dry_run } = c.req.valid('json');
    const caller = callerOf(c);
    const hides = isRedacted(caller, undefined);
    const swept = await sweep(deps, caller, dry_run);
    const { count, bytes, more } = swept;
    const recordings = swept.recordings.map((one) => ({ ...keptView(one, hides), why: one.why }));
    return c.json(success({ dry_run, count, bytes, more, recordings }), 200);
  });
}
