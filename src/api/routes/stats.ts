import { z } from '@hono/zod-openapi';
import { formatId } from '../../domain/ids.ts';
import type { SessionTotals } from '../../domain/session.ts';
import { seesEverything, type Viewer } from '../../domain/visibility.ts';
import { type Api, callerOf } from '../context.ts';
import { countedBy, SOURCES } from '../counts.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, json, success } from '../envelope.ts';
import { fromBeforeTo, isoTime, outId, outTime, time } from '../fields.ts';
import { guarded } from '../guard.ts';
import { machineSight } from '../machine-access.ts';

const DAYS = { day: 1, week: 7, month: 30 } as const;
const DAY_MS = 86_400_000;

const query = z
  .strictObject({
    period: z.enum(['day', 'week', 'month']).default('day'),
    from: time.optional(),
    to: time.optional(),
  })
  .superRefine(fromBeforeTo);

const statsSchema = z
  .object({
    total_sessions: z.int(),
    active_sessions: z.int(),
    source: z.enum(SOURCES).openapi({
      description: 'Who counted the active sessions: the database where the counters are away',
    }),
    total_duration_hours: z.number(),
    unique_users: z.int(),
    recordings_failed: z.object({ required: z.int(), best_effort: z.int() }).openapi({
      description: 'Not begun, broken or with something missing, by the policy of their machine',
    }),
    top_machines: z.array(
      z.object({
        machine_id: outId('mch').nullable(),
        name: z.string(),
        sessions_count: z.int(),
      }),
    ),
    from: outTime,
    to: outTime,
  })
  .openapi('SessionStats');

const statsRoute = guarded('stats:read', {
  method: 'get',
  path: '/v1/sessions/stats',
  summary: 'What went on in a period that ends now, or from one time to another',
  request: { query },
  responses: { 200: json(enveloped(statsSchema), 'The figures') },
});

/** Names only machines that the viewer may see: the sums are the organization's, names are not. */
async function topMachines(deps: ApiDeps, viewer: Viewer, totals: SessionTotals) {
  const top = totals.topMachines.map(({ machineId, name, sessions }) => ({
    id: machineId,
    machine_id: machineId === null ? null : formatId('mch', machineId),
    name,
    sessions_count: sessions,
  }));
  const all = seesEverything(viewer);
  const maySee = await machineSight(deps.store, viewer, deps.clock());
  const seen = all ? [] : (await deps.store.machines.all()).filter(maySee).map(({ id }) => id);
  return top
    .filter(({ id }) => all || (id !== null && seen.includes(id)))
    .map(({ id: _, ...shown }) => shown);
}

export function statsRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(statsRoute, async (c) => {
    const { viewer } = callerOf(c);
    const { period, from, to } = c.req.valid('query');
    const end = to ?? deps.clock();
    const start = from ?? new Date(end.getTime() - DAYS[period] * DAY_MS);
    const active = await countedBy(deps, (from) => from.active());
    const totals = await deps.store.sessions.totals(start, end);
    return c.json(
      success({
        total_sessions: totals.totalSessions,
        active_sessions: active.counts.sessions,
        source: active.source,
        total_duration_hours: Math.round(totals.totalDurationSeconds / 36) / 100,
        unique_users: totals.uniqueUsers,
        recordings_failed: { ...totals.failedRecordings },
        top_machines: await topMachines(deps, viewer, totals),
        from: isoTime(start),
        to: isoTime(end),
      }),
      200,
    );
  });
}
