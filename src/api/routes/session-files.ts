import { z } from '@hono/zod-openapi';
import { formatId } from '../../domain/ids.ts';
import { DEFAULT_LIMIT, MAX_LIMIT } from '../../domain/page.ts';
import type { Session } from '../../domain/session.ts';
import { type Api, type Caller, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, failureSchema, json, success } from '../envelope.ts';
import { idOf, isoTime, outId, outTime, search } from '../fields.ts';
import { guarded } from '../guard.ts';
import { noteOpening } from '../journal.ts';
import { wholeNumber } from '../paging.ts';
import { downloadRecording } from '../recording-download.ts';
import { isRedacted, seenChannels, viewFor } from '../recording-view.ts';
import { seenSession } from '../terminate.ts';
import { textStream } from '../text-stream.ts';
import { type TranscriptEntry, type TranscriptSource, transcript } from '../transcript.ts';

/** A page of logs stops looking after this many milliseconds, and says where to go on. */
const LOOK_MS = 5000;

const params = z.object({ id: idOf('sess') });

const seconds = z
  .string()
  .regex(/^[0-9]{1,9}(\.[0-9]{1,6})?$/, 'must be seconds after the start of the session')
  .transform(Number)
  .openapi({ type: 'number', minimum: 0 });

const redact = z.enum(['0', '1']).optional().openapi({
  description:
    '1: with what is secret hidden, as for who lacks recordings:raw; 0: as it is, which needs that scope',
});

const logsQuery = z
  .strictObject({
    format: z.enum(['json', 'text']).default('json'),
    from: seconds.optional(),
    to: seconds.optional(),
    search: search.optional(),
    limit: wholeNumber(1, MAX_LIMIT).optional(),
    cursor: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
    redact,
  })
  .superRefine((query, context) => {
    if (query.from !== undefined && query.to !== undefined && query.from > query.to) {
      context.addIssue({ code: 'custom', path: ['from'], message: 'must not be after to' });
    }
    for (const field of ['limit', 'cursor'] as const) {
      if (query.format === 'json' || query[field] === undefined) continue;
      const message = 'has no meaning with format=text, which is not paged';
      context.addIssue({ code: 'custom', path: [field], message });
    }
  });

type LogsQuery = z.infer<typeof logsQuery>;

const entrySchema = z.object({
  timestamp: outTime,
  type: z.enum(['command', 'output']),
  content: z.string(),
  channel: z.int(),
});

const cast = { 'application/x-asciicast': { schema: z.string().openapi({ format: 'binary' }) } };

const recordingRoute = guarded('recordings:read', {
  method: 'get',
  path: '/v1/sessions/{id}/recording',
  summary: 'The asciicast of a channel; Range, If-Range, If-None-Match and HEAD are honoured',
  request: {
    params,
    query: z.strictObject({
      channel: wholeNumber(1, 1_000_000)
        .optional()
        .openapi({ description: 'Without it: the first that has a recording' }),
      format: z.enum(['v2', 'v3']).default('v3'),
      redact,
    }),
  },
  responses: {
    200: { description: 'The recording', content: cast },
    206: { description: 'The range of it', content: cast },
    304: { description: 'The client has it' },
    416: json(failureSchema, 'There is no such range'),
  },
});

const logsRoute = guarded('recordings:read', {
  method: 'get',
  path: '/v1/sessions/{id}/logs',
  summary: 'Commands and output as text, channel after channel',
  request: { params, query: logsQuery },
  responses: {
    200: {
      description: 'A page of entries; with format=text everything, as plain text',
      content: {
        'application/json': {
          schema: enveloped(
            z.object({
              session_id: outId('sess'),
              logs: z.array(entrySchema),
              pagination: z.object({ limit: z.int(), next_cursor: z.string().nullable() }),
            }),
          ),
        },
        'text/plain': { schema: z.string() },
      },
    },
    400: { description: 'A field of the query is wrong' },
  },
});

async function entriesOf(deps: ApiDeps, caller: Caller, session: Session, query: LogsQuery) {
  const { sessions } = deps.store;
  const channels = await sessions.channels(session.id);
  const recordings = await sessions.recordings(session.id);
  const shown = seenChannels(deps, caller, channels, query.redact);
  const hides = isRedacted(caller, query.redact);
  const source: TranscriptSource = {
    library: deps.recordings,
    text: (text) => (hides ? deps.redaction.text(text) : text),
    view: (recording) => viewFor(deps, caller, recording, query.redact),
  };
  return transcript(source, shown, recordings, {
    startedAt: session.startedAt,
    from: query.from ?? null,
    to: query.to ?? null,
    search: query.search ?? null,
  });
}

/** Entries from `cursor` (how many were passed) on; stops at the limit or the deadline. */
async function pageOf(entries: AsyncGenerator<TranscriptEntry | null>, query: LogsQuery) {
  const limit = query.limit ?? DEFAULT_LIMIT;
  const until = performance.now() + LOOK_MS;
  const logs: TranscriptEntry[] = [];
  let passed = 0;
  for await (const entry of entries) {
    const looked = passed > (query.cursor ?? 0);
    const done = logs.length === limit || (looked && performance.now() > until);
    if (done) return { limit, logs, next: String(passed) };
    passed += 1;
    if (passed > (query.cursor ?? 0) && entry !== null) logs.push(entry);
  }
  return { limit, logs, next: null };
}

async function* plainLines(
  entries: AsyncGenerator<TranscriptEntry | null>,
): AsyncGenerator<string> {
  for await (const entry of entries) {
    if (entry === null) continue;
    yield entry.type === 'command' ? `$ ${entry.content}\n` : `${entry.content}\n`;
  }
}

export function sessionFileRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(recordingRoute, (c) => {
    const { channel, format, redact: wish } = c.req.valid('query');
    return downloadRecording(deps, callerOf(c), {
      id: c.req.valid('param').id,
      channel,
      format,
      redact: wish,
      method: c.req.method,
      range: c.req.header('range'),
      ifRange: c.req.header('if-range'),
      ifNoneMatch: c.req.header('if-none-match'),
    });
  });

  api.openapi(logsRoute, async (c) => {
    const caller = callerOf(c);
    const query = c.req.valid('query');
    const session = await seenSession(deps, caller, c.req.valid('param').id);
    await noteOpening(deps, caller, {
      ...{ type: 'logs.viewed', session, recording: null },
      part: query.cursor !== undefined,
      detail: { format: query.format },
    });
    const entries = await entriesOf(deps, caller, session, query);
    if (query.format === 'text') {
      const headers = { 'Content-Type': 'text/plain; charset=utf-8' };
      return new Response(textStream(plainLines(entries)), { headers });
    }
    const { limit, logs, next } = await pageOf(entries, query);
    return c.json(
      success({
        session_id: formatId('sess', session.id),
        logs: logs.map(({ at, ...entry }) => ({ timestamp: isoTime(at), ...entry })),
        pagination: { limit, next_cursor: next },
      }),
      200,
    );
  });
}
