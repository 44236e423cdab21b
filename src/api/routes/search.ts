import { z } from '@hono/zod-openapi';
import { formatId } from '../../domain/ids.ts';
import { DEFAULT_LIMIT, MAX_LIMIT } from '../../domain/page.ts';
import {
  LONGEST_SEARCH,
  MOST_WORDS,
  SEARCH_KINDS,
  SHORTEST_WORD,
  searchedWords,
} from '../../domain/search.ts';
import { replayPath, type SearchHit } from '../../domain/search-hit.ts';
import { type Api, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, json, success } from '../envelope.ts';
import { fromBeforeTo, given, idOf, isoTime, outId, outTime, text, time } from '../fields.ts';
import { guarded } from '../guard.ts';
import { wholeNumber } from '../paging.ts';
import { CURSOR, cursorOf, placeOf, search } from '../search.ts';

const TOO_SHORT = `must have 1 to ${MOST_WORDS} words, one of them of at least ${SHORTEST_WORD} characters`;

const query = z
  .strictObject({
    q: text(LONGEST_SEARCH)
      .transform((q, context) => {
        const words = searchedWords(q);
        if (words === null) context.addIssue({ code: 'custom', message: TOO_SHORT });
        return words ?? z.NEVER;
      })
      .openapi({
        type: 'string',
        description: 'Words that must all be there, anywhere, case folded; "in quotes" is one',
      }),
    user_id: idOf('usr').optional(),
    machine_id: idOf('mch').optional(),
    session_id: idOf('sess').optional(),
    from: time.optional(),
    to: time.optional(),
    kind: z.enum(SEARCH_KINDS).optional(),
    limit: wholeNumber(1, MAX_LIMIT).default(DEFAULT_LIMIT),
    cursor: z
      .string()
      .regex(CURSOR, 'is not a cursor of this list')
      .transform(placeOf)
      .openapi({ type: 'string', description: 'next_cursor of the last answer' })
      .optional(),
  })
  .superRefine(fromBeforeTo);

const hitSchema = z
  .object({
    kind: z.enum(SEARCH_KINDS),
    session_id: outId('sess'),
    channel: z.int(),
    timestamp: outTime,
    second: z.number().openapi({ description: 'Of the recording, where it begins to be seen' }),
    until: z.number().nullable(),
    line: z.string(),
    before: z.array(z.string()).openapi({ description: 'The lines before it' }),
    after: z.array(z.string()),
    user: z.string(),
    machine: z.string(),
    login: z.string(),
    url: z.string().openapi({ description: 'The replay, from there' }),
  })
  .openapi('SearchHit');

const searchRoute = guarded('recordings:read', {
  method: 'get',
  path: '/v1/search',
  summary: 'Commands and output of all sessions that one may see, newest first',
  description:
    'A page may have fewer hits than asked for, and go on: what takes long is answered in parts.',
  request: { query },
  responses: {
    200: json(
      enveloped(
        z.object({
          hits: z.array(hitSchema),
          pagination: z.object({ limit: z.int(), next_cursor: z.string().nullable() }),
        }),
      ),
      'A page of hits',
    ),
  },
});

function hitView(hit: SearchHit, publicUrl: string): z.infer<typeof hitSchema> {
  return {
    kind: hit.kind,
    session_id: formatId('sess', hit.sessionId),
    channel: hit.channel,
    timestamp: isoTime(hit.at),
    second: hit.second,
    until: hit.until,
    line: hit.line,
    before: [...hit.before],
    after: [...hit.after],
    user: hit.userName,
    machine: hit.machineName,
    login: hit.login,
    url: `${publicUrl}${replayPath(hit)}`,
  };
}

export function searchRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(searchRoute, async (c) => {
    const asked = c.req.valid('query');
    const filter = given({
      kind: asked.kind,
      userId: asked.user_id,
      machineId: asked.machine_id,
      sessionId: asked.session_id,
      from: asked.from,
      to: asked.to,
    });
    const { hits, next } = await search(deps, callerOf(c), {
      filter: { words: asked.q, ...filter },
      limit: asked.limit,
      after: asked.cursor ?? null,
    });
    const url = deps.publicUrl();
    return c.json(
      success({
        hits: hits.map((hit) => hitView(hit, url)),
        pagination: { limit: asked.limit, next_cursor: cursorOf(next) },
      }),
      200,
    );
  });
}
