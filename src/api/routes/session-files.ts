import { z } from '@hono/zod-openapi';
import { type Api, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { failureSchema, json } from '../envelope.ts';
import { idOf, redact } from '../fields.ts';
import { guarded } from '../guard.ts';
import { wholeNumber } from '../paging.ts';
import { downloadRecording } from '../recording-download.ts';

const params = z.object({ id: idOf('sess') });

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
      format: z
        .enum(['v2', 'v3'])
        .optional()
        .openapi({ description: 'Without it: the file as it lies, which is v3 or encrypted' }),
      redact,
    }),
  },
  responses: {
    200: { description: 'The recording', content: cast },
    206: { description: 'The range of it', content: cast },
    304: { description: 'The client has it' },
    409: json(failureSchema, 'It is encrypted, and this node cannot open it'),
    416: json(failureSchema, 'There is no such range'),
  },
});

export function sessionFileRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(recordingRoute, (c) => {
    const { channel, format, redact: wish } = c.req.valid('query');
    return downloadRecording(deps, callerOf(c), {
      id: c.req.valid('param').id,
      channel,
      format: format ?? null,
      redact: wish,
      method: c.req.method,
      range: c.req.header('range'),
      ifRange: c.req.header('if-range'),
      ifNoneMatch: c.req.header('if-none-match'),
    });
  });
}
