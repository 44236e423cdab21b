import { z } from '@hono/zod-openapi';
import {
  ANALYSIS_STATES,
  COMMAND_SOURCES,
  CONFIDENCES,
  type SessionCommand,
} from '../../domain/analysis.ts';
import { formatId } from '../../domain/ids.ts';
import { DEFAULT_LIMIT, MAX_LIMIT } from '../../domain/page.ts';
import type { Session } from '../../domain/session.ts';
import { type Api, type Caller, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, json, success } from '../envelope.ts';
import { idOf, isoTime, outId, outTime, redact } from '../fields.ts';
import { guarded } from '../guard.ts';
import { note, noteOpening } from '../journal.ts';
import { cursorOf, logCursor, placeOf } from '../log-place.ts';
import { wholeNumber } from '../paging.ts';
import { isRedacted, type RedactWish } from '../recording-view.ts';
import { bringFiles, fileLog, liesEncrypted, prepareViews } from '../session-log.ts';
import { shownText } from '../shown-text.ts';
import { seenSession } from '../terminate.ts';
import { textStream } from '../text-stream.ts';

const params = z.object({ id: idOf('sess') });

const commandSchema = z
  .object({
    channel: z.int(),
    index: z.int().openapi({ description: 'In its channel, from 0' }),
    command: z.string(),
    started_at: outTime,
    start: z.number().openapi({ description: 'Seconds after the start of the recording' }),
    end: z.number().nullable().openapi({ description: 'Null: it goes on, or was not seen' }),
    exit_status: z.int().nullable().openapi({ description: 'Null: nobody said' }),
    cwd: z.string().nullable(),
    source: z.enum(COMMAND_SOURCES).openapi({
      description: 'osc133 and osc633 are marks of the shell, which its user can forge',
    }),
    confidence: z.enum(CONFIDENCES),
  })
  .openapi('Command');

const analysisSchema = z.object({
  channel: z.int(),
  state: z.enum(ANALYSIS_STATES),
  reason: z.string().nullable().openapi({ description: 'Why it failed' }),
});

const commandsRoute = guarded('recordings:read', {
  method: 'get',
  path: '/v1/sessions/{id}/commands',
  summary: 'The commands of a session, as read off its recordings, channel after channel',
  request: {
    params,
    query: z.strictObject({
      limit: wholeNumber(1, MAX_LIMIT).optional(),
      cursor: logCursor.optional(),
      redact,
    }),
  },
  responses: {
    200: json(
      enveloped(
        z.object({
          session_id: outId('sess'),
          commands: z.array(commandSchema),
          analyses: z.array(analysisSchema),
          pagination: z.object({ limit: z.int(), next_cursor: z.string().nullable() }),
        }),
      ),
      'A page of commands, and how far the reading of each recording is',
    ),
  },
});

const transcriptRoute = guarded('recordings:read', {
  method: 'get',
  path: '/v1/sessions/{id}/transcript',
  summary: 'What was to be seen on a channel as plain text, with seconds, prompts included',
  request: {
    params,
    query: z.strictObject({ channel: wholeNumber(1, 1_000_000).optional(), redact }),
  },
  responses: {
    200: { description: 'The text', content: { 'text/plain': { schema: z.string() } } },
    404: { description: 'There is no such session' },
  },
});

const againSchema = enveloped(z.object({ recordings: z.int() }));

const againRoute = guarded('admin', {
  method: 'post',
  path: '/v1/sessions/{id}/recording/analysis',
  summary: 'Have the recordings of a session read for commands and text again',
  request: { params },
  responses: { 202: json(againSchema, 'How many will be read') },
});

const allAgainRoute = guarded('admin', {
  method: 'post',
  path: '/v1/recordings/analysis',
  summary: 'Have all recordings that have ended read for commands and text again',
  responses: { 202: json(againSchema, 'How many will be read') },
});

function commandView(
  command: SessionCommand,
  shown: (text: string) => string,
): z.infer<typeof commandSchema> {
  const { channel, index, start, end, source, confidence, cwd } = command;
  return {
    ...{ channel, index, start, end, source, confidence },
    command: shown(command.text),
    started_at: isoTime(command.startedAt),
    exit_status: command.exitStatus,
    cwd: cwd === null ? null : shown(cwd),
  };
}

/** Blocks that are read at once. */
const AT_ONCE = 100;

/** `[83.2]` before each block, `[83.2 stderr]` where it is another than the usual stream. */
async function* blockLines(
  deps: ApiDeps,
  caller: Caller,
  session: Session,
  channel: number,
): AsyncGenerator<string> {
  for (let from = 0; ; ) {
    const page = { from, limit: AT_ONCE };
    const blocks = await deps.store.analyses.blocks(session.id, channel, page);
    for (const { from: began, text, stream, kind } of blocks) {
      const what = kind === 'screen' ? ' screen' : stream === 'stderr' ? ' stderr' : '';
      yield `[${began.toFixed(1)}${what}]\n${shownText(deps, caller, text)}\n`;
    }
    const last = blocks.at(-1);
    if (last === undefined || blocks.length < AT_ONCE) return;
    from = last.index + 1;
  }
}

/** As `blockLines`, off the files, as the caller may see them: see session-log.ts. */
async function* fileLines(
  deps: ApiDeps,
  caller: Caller,
  session: Session,
  channel: number,
  wish: RedactWish,
): AsyncGenerator<string> {
  const all = { from: null, to: null, search: null };
  for await (const entry of await fileLog(deps, caller, session, wish, all)) {
    if (entry === null || entry.channel !== channel || entry.type === 'command') continue;
    const seconds = (entry.at.getTime() - session.startedAt.getTime()) / 1000;
    yield `[${seconds.toFixed(1)}]\n${entry.content}\n`;
  }
}

/** Answers how many recordings wait for it; null: of all sessions. */
function again(deps: ApiDeps, caller: Caller, session: Session | null): Promise<number> {
  return deps.store.transaction(async (stores) => {
    const recordings = await stores.analyses.again(session?.id ?? null);
    await note(stores, caller, deps.clock(), 'recordings.analysed_again', {
      ...(session !== null && { sessionId: session.id, machineId: session.machineId }),
      detail: { recordings },
    });
    return recordings;
  });
}

export function sessionCommandRoutes(api: Api, deps: ApiDeps): void {
  const { analyses } = deps.store;

  api.openapi(commandsRoute, async (c) => {
    const caller = callerOf(c);
    const { limit = DEFAULT_LIMIT, cursor, redact: wish } = c.req.valid('query');
    const shown = (text: string): string => shownText(deps, caller, text, wish);
    const session = await seenSession(deps, caller, c.req.valid('param').id);
    const after = placeOf(cursor);
    await noteOpening(deps, caller, {
      ...{ type: 'logs.viewed', session, recording: null, part: after !== null },
      detail: { format: 'commands' },
    });
    const read = await analyses.commands(session.id, { limit: limit + 1, after });
    const commands = read.slice(0, limit);
    const last = commands.at(-1);
    const next = last === undefined || read.length <= limit ? null : last;
    return c.json(
      success({
        session_id: formatId('sess', session.id),
        commands: commands.map((command) => commandView(command, shown)),
        analyses: (await analyses.ofSession(session.id)).map(({ channel, state, reason }) => ({
          ...{ channel, state, reason },
        })),
        pagination: {
          limit,
          next_cursor: next && cursorOf({ ...next, at: next.startedAt, type: 'command' }),
        },
      }),
      200,
    );
  });

  api.openapi(transcriptRoute, async (c) => {
    const caller = callerOf(c);
    const session = await seenSession(deps, caller, c.req.valid('param').id);
    const { channel = 1, redact: wish } = c.req.valid('query');
    const hides = isRedacted(caller, wish);
    if (hides) await bringFiles(deps, session);
    const isEncrypted = await liesEncrypted(deps, session);
    // Before anything is sent: what cannot be read is said so.
    if (isEncrypted && !hides) await bringFiles(deps, session);
    if (hides) await prepareViews(deps, caller, session, wish);
    const lines =
      hides || isEncrypted
        ? fileLines(deps, caller, session, channel, wish)
        : blockLines(deps, caller, session, channel);
    await noteOpening(deps, caller, {
      ...{ type: 'logs.viewed', session, recording: null, part: false },
      detail: { format: 'transcript', channel },
    });
    const name = `session-${session.id}-channel-${channel}.txt`;
    const headers = {
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Disposition': `attachment; filename="${name}"`,
    };
    return new Response(await textStream(lines), { headers });
  });

  api.openapi(againRoute, async (c) => {
    const session = await seenSession(deps, callerOf(c), c.req.valid('param').id);
    return c.json(success({ recordings: await again(deps, callerOf(c), session) }), 202);
  });

  api.openapi(allAgainRoute, async (c) =>
    c.json(success({ recordings: await again(deps, callerOf(c), null) }), 202),
  );
}
