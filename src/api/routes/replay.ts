import { z } from '@hono/zod-openapi';
import { formatId } from '../../domain/ids.ts';
import { type Api, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, failureSchema, json, success } from '../envelope.ts';
import { idOf, outId } from '../fields.ts';
import { guarded } from '../guard.ts';
import { wholeNumber } from '../paging.ts';
import { seenRecording } from '../recording-files.ts';
import { replayAnswer, replaySegment, viewedIndex } from '../replay.ts';

const channelNumber = wholeNumber(1, 1_000_000);

const replaySchema = z
  .object({
    session_id: outId('sess'),
    channel: z.int(),
    play: z.enum(['segments', 'soon', 'whole', 'never']).openapi({
      description:
        'segments: as `index` says; soon: the index is being made, ask again; whole: get the recording itself, which is short, being written, or has no index; never: it has none and is too long for a browser',
    }),
    progress: z.number().nullable().openapi({ description: 'Of soon: 0 to 1' }),
    index: z
      .object({
        version: z.literal(1),
        duration: z.number(),
        term: z.object({ cols: z.int(), rows: z.int() }),
        markers: z.array(z.tuple([z.number(), z.string()])),
        segments: z.array(
          z.object({
            start: z.number().openapi({ description: 'Seconds after the start, ascending' }),
            url: z.string(),
          }),
        ),
      })
      .nullable(),
  })
  .openapi('Replay');

const indexRoute = guarded('recordings:read', {
  method: 'get',
  path: '/v1/sessions/{id}/replay',
  summary: 'How a recording is replayed from any moment on: its segments, each with a keyframe',
  request: {
    params: z.object({ id: idOf('sess') }),
    query: z.strictObject({
      channel: channelNumber
        .optional()
        .openapi({ description: 'Without it: the first that has a recording' }),
    }),
  },
  responses: { 200: json(enveloped(replaySchema), 'Its index, or how far that is') },
});

const segment = { 'application/json': { schema: z.looseObject({}) } };

const segmentRoute = guarded('recordings:read', {
  method: 'get',
  path: '/v1/sessions/{id}/replay/{channel}/{build}/{segment}',
  summary: 'A segment; Range, If-Range, If-None-Match, Accept-Encoding: gzip and HEAD are honoured',
  request: {
    params: z.object({
      id: idOf('sess'),
      channel: channelNumber,
      build: z.string().regex(/^[0-9a-f]{32}$/, 'must be as the index names it'),
      segment: wholeNumber(0, 1_000_000),
    }),
  },
  responses: {
    200: { description: 'A keyframe, and events with absolute times', content: segment },
    206: { description: 'The range of it, as it is encoded', content: segment },
    304: { description: 'The client has it' },
    416: json(failureSchema, 'There is no such range'),
  },
});

export function replayRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(indexRoute, async (c) => {
    const { id } = c.req.valid('param');
    const caller = callerOf(c);
    const found = await seenRecording(deps, caller, id, c.req.valid('query').channel);
    const { channel } = found.recording;
    const answer = await replayAnswer(deps, caller, id, channel);
    const session_id = formatId('sess', id);
    const base = `/v1/sessions/${session_id}/replay/${channel}/`;
    const index =
      answer.play === 'segments' ? await viewedIndex(deps, caller, { id, channel, base }) : null;
    const progress = answer.play === 'soon' ? answer.progress : null;
    c.header('Cache-Control', 'no-store');
    return c.json(success({ session_id, channel, play: answer.play, progress, index }), 200);
  });

  api.openapi(segmentRoute, (c) => {
    const header = (name: string): string | undefined => c.req.header(name);
    return replaySegment(deps, callerOf(c), {
      ...c.req.valid('param'),
      method: c.req.method,
      acceptEncoding: header('accept-encoding'),
      ifNoneMatch: header('if-none-match'),
      range: header('range'),
      ifRange: header('if-range'),
    });
  });
}
