import { z } from '@hono/zod-openapi';
import { ARCHIVE_STATES } from '../../domain/archive.ts';
import type { Api } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, json } from '../envelope.ts';
import { guarded } from '../guard.ts';

const part = z.enum(['up', 'down']);

const health = enveloped(z.object({ status: z.literal('up'), version: z.string() }));

const readiness = z.object({
  success: z.boolean(),
  data: z.object({
    status: part,
    database: part,
    counters: part,
    recordings: z
      .enum(['up', 'low', 'down'])
      .openapi({ description: 'Room for them; low: sessions that must be recorded are refused' }),
    seal_sinks: z
      .array(
        z.object({
          type: z.enum(['webhook', 'syslog', 'file', 'bucket']),
          state: z.enum(['up', 'behind']),
        }),
      )
      .openapi({ description: 'In the order of the setting; behind: seals wait for it' }),
    archive: z.enum(ARCHIVE_STATES).openapi({
      description:
        'The S3-compatible store of recordings; away, refused: they wait on disk; off: there is none',
    }),
  }),
});

function healthRoute<P extends string>(path: P) {
  return guarded('public', {
    method: 'get',
    path,
    summary: 'Whether the process answers',
    responses: { 200: json(health, 'It does') },
  });
}

function readyRoute<P extends string>(path: P) {
  return guarded('public', {
    method: 'get',
    path,
    summary: 'Whether sessions can be had: the database answers; counters can be done without',
    responses: {
      200: json(readiness, 'They can'),
      503: json(readiness, 'The database does not answer'),
    },
  });
}

async function state(answers: Promise<boolean>): Promise<'up' | 'down'> {
  return (await answers.catch(() => false)) ? 'up' : 'down';
}

/** Both under /v1 and at the root, where load balancers and orchestrators look. */
export function healthRoutes(api: Api, deps: ApiDeps): void {
  for (const path of ['/healthz', '/v1/healthz'] as const) {
    api.openapi(healthRoute(path), (c) =>
      c.json(
        { success: true as const, data: { status: 'up' as const, version: deps.version } },
        200,
      ),
    );
  }
  for (const path of ['/readyz', '/v1/readyz'] as const) {
    api.openapi(readyRoute(path), async (c) => {
      const [database, counters] = await Promise.all([
        state(deps.store.healthy()),
        state(deps.counters.healthy()),
      ]);
      const up = database === 'up';
      const seal_sinks = [...deps.sealSinks()];
      const data = {
        status: database,
        database,
        counters,
        recordings: deps.space(),
        archive: deps.archive(),
        seal_sinks,
      };
      return c.json({ success: up, data }, up ? 200 : 503);
    });
  }
}
