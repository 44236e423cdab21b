import { z } from '@hono/zod-openapi';
import type { Api } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { failureSchema, json } from '../envelope.ts';
import { idOf } from '../fields.ts';
import { guarded } from '../guard.ts';
import { consoleCookie, followSession, liveCrowd } from '../live.ts';
import { wholeNumber } from '../paging.ts';

const PATH = '/v1/sessions/{id}/live';

const route = guarded('recordings:read', {
  method: 'get',
  path: PATH,
  summary: 'Follows a channel that is being recorded: a WebSocket of the subprotocol v1.alis',
  description:
    "Read only. The screen as it is, then what happens, in frames of asciinema's ALiS v1. The console's cookie does as well as a token, for pages of this site.",
  request: {
    params: z.object({ id: idOf('sess') }),
    query: z.strictObject({
      channel: wholeNumber(1, 1_000_000)
        .optional()
        .openapi({ description: 'Without it: the first that is being recorded' }),
      redact: z.enum(['0', '1']).optional().openapi({ description: 'As for a recording' }),
    }),
  },
  responses: {
    101: { description: 'The WebSocket is open' },
    404: json(failureSchema, 'No such session, or it has no recording'),
    409: json(failureSchema, 'It is not running'),
    426: json(failureSchema, 'The request is not one for a WebSocket of v1.alis'),
    503: json(failureSchema, 'It runs on another node, which is named'),
  },
});

export function liveRoutes(api: Api, deps: ApiDeps): void {
  const crowd = liveCrowd();
  api.use('/v1/sessions/:id/live', consoleCookie(deps));
  api.openapi(route, (c) => {
    const { channel, redact } = c.req.valid('query');
    return followSession(deps, c, c.req.valid('param').id, { channel, redact }, crowd);
  });
}
