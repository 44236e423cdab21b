import { z } from '@hono/zod-openapi';
import type { LogFilter } from '../../domain/analysis.ts';
import { formatId } from '../../domain/ids.ts';
import { DEFAULT_LIMIT, MAX_LIMIT } from '../../domain/page.ts';
import type { Session } from '../../domain/session.ts';
import { type Api, type Caller, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, success } from '../envelope.ts';
import { idOf, isoTime, outId, outTime, redact, search } from '../fields.ts';
import { guarded } from '../guard.ts';
import { noteOpening } from '../journal.ts';
import { cursorOf, logCursor, placeOf } from '../log-place.ts';
import { wholeNumber } from '../paging.ts';
import { isRedacted } from '../recording-view.ts';
import {
  analysedLog,
  bringFiles,
  fileLog,
  isAnalysed,
  liesEncrypted,
  prepareViews,
} from '../session-log.ts';
import { shownText } from '../shown-text.ts';
import { seenSession } from '../terminate.ts';
import { textStream } from '../text-stream.ts';
import type { TranscriptEntry } from '../transcript.ts';

/** A page of logs stops looking after this many milliseconds, and says where to go on. */
const LOOK_MS = 5000;

const seconds = z
  .string()
  .regex(/^[0-9]{1,9}(\.[0-9]{1,6})?$/, 'must be seconds after the start of the session')
  .transform(Number)
  .openapi({ type: 'number', minimum: 0 });

const logsQuery = z
  .strictObject({
    format: z.enum(['json', 'text']).default('json'),
    from: seconds.optional(),
    to: seconds.optional(),
    search: search.optional(),
    limit: wholeNumber(1, MAX_LIMIT).optional(),
    cursor: logCursor.optional(),
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

const logsRoute = guarded('recordings:read', {
  method: 'get',
  path: '/v1/sessions/{id}/logs',
  summary: 'Commands and output as text, channel after channel',
  request: { params: z.object({ id: idOf('sess') }), query: logsQuery },
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

interface LogsPage {
  readonly logs: readonly TranscriptEntry[];
  readonly next: string | null;
}

/** Entries from `cursor` (how many were passed) on; stops at the limit or the deadline. */
async function pageOfFiles(
  entries: AsyncGenerator<TranscriptEntry | null>,
  limit: number,
  cursor: number,
): Promise<LogsPage> {
  const until = performance.now() + LOOK_MS;
  const logs: TranscriptEntry[] = [];
  let passed = 0;
  for await (const entry of entries) {
    const looked = passed > cursor;
    const done = logs.length === limit || (looked && performance.now() > until);
    if (done) return { logs, next: String(passed) };
    passed += 1;
    if (passed > cursor && entry !== null) logs.push(entry);
  }
  return { logs, next: null };
}

function filterOf(query: LogsQuery): LogFilter {
  return { from: query.from ?? null, to: query.to ?? null, search: query.search ?? null };
}

async function pageOf(
  deps: ApiDeps,
  caller: Caller,
  session: Session,
  query: LogsQuery,
): Promise<LogsPage> {
  const { cursor = '', limit = DEFAULT_LIMIT } = query;
  const filter = filterOf(query);
  const after = placeOf(cursor);
  const isOfFiles = after === null && /^\d+$/.test(cursor);
  // Who has begun in one order goes on in it.
  if (isOfFiles || (await readsFiles(deps, caller, session, query))) {
    const entries = await fileLog(deps, caller, session, query.redact, filter);
    return pageOfFiles(entries, limit, isOfFiles ? Number(cursor) : 0);
  }
  const read = await deps.store.analyses.log(session.id, filter, { limit: limit + 1, after });
  const page = read.slice(0, limit);
  const last = page.at(-1);
  return {
    logs: page.map(({ at, type, text, channel }) => ({ at, type, content: text, channel })),
    next: last === undefined || read.length <= limit ? null : cursorOf(last),
  };
}

/** Whether the log is read off files: of what was not analysed, and where secrets are to be hidden. */
async function readsFiles(
  deps: ApiDeps,
  caller: Caller,
  session: Session,
  query: LogsQuery,
): Promise<boolean> {
  return isRedacted(caller, query.redact) || !(await isAnalysed(deps, session));
}

/** All of it as lines; commands are marked as by a prompt. */
async function* plainLines(
  deps: ApiDeps,
  caller: Caller,
  session: Session,
  query: LogsQuery,
): AsyncGenerator<string> {
  const filter = filterOf(query);
  if (!(await readsFiles(deps, caller, session, query))) {
    for await (const { type, text } of analysedLog(deps, session, filter)) {
      yield type === 'command' ? `$ ${text}\n` : `${text}\n`;
    }
    return;
  }
  for await (const entry of await fileLog(deps, caller, session, query.redact, filter)) {
    if (entry === null) continue;
    yield entry.type === 'command' ? `$ ${entry.content}\n` : `${entry.content}\n`;
  }
}

export function sessionLogRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(logsRoute, async (c) => {
    const caller = callerOf(c);
    const query = c.req.valid('query');
    const session = await seenSession(deps, caller, c.req.valid('param').id);
    await noteOpening(deps, caller, {
      ...{ type: 'logs.viewed', session, recording: null },
      part: query.cursor !== undefined && query.cursor !== '',
      detail: { format: query.format },
    });
    if (await readsFiles(deps, caller, session, query)) {
      // Before anything is sent: what cannot be read is said so.
      await bringFiles(deps, session);
      await liesEncrypted(deps, session);
      if (query.format === 'text') await prepareViews(deps, caller, session, query.redact);
    }
    if (query.format === 'text') {
      const headers = { 'Content-Type': 'text/plain; charset=utf-8' };
      const lines = async function* (): AsyncGenerator<string> {
        for await (const line of plainLines(deps, caller, session, query)) {
          yield shownText(deps, caller, line, query.redact);
        }
      };
      return new Response(await textStream(lines()), { headers });
    }
    const { logs, next } = await pageOf(deps, caller, session, query);
    return c.json(
      success({
        session_id: formatId('sess', session.id),
        logs: logs.map(({ at, content, ...entry }) => ({
          timestamp: isoTime(at),
          ...entry,
          content: shownText(deps, caller, content, query.redact),
        })),
        pagination: { limit: query.limit ?? DEFAULT_LIMIT, next_cursor: next },
      }),
      200,
    );
  });
}
