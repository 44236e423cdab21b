import { z } from '@hono/zod-openapi';
import { auditStates } from '../../domain/audit-state.ts';
import { type ActiveCounts, type CountsById, dayOf } from '../../domain/counters.ts';
import { formatId } from '../../domain/ids.ts';
import { seesEverything, type Viewer } from '../../domain/visibility.ts';
import { type Api, callerOf } from '../context.ts';
import { countedBy, SOURCES } from '../counts.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, json, success } from '../envelope.ts';
import { outId } from '../fields.ts';
import { guarded } from '../guard.ts';
import { note } from '../journal.ts';
import { machineSight } from '../machine-access.ts';

const counted = {
  sessions: z.int(),
  users: z.int(),
  by_user: z.array(z.object({ user_id: outId('usr').nullable(), sessions: z.int() })).openapi({
    description:
      'Most first; null: removed since. Who does not see all users finds themselves alone',
  }),
  by_machine: z
    .array(z.object({ machine_id: outId('mch').nullable(), sessions: z.int() }))
    .openapi({ description: 'Most first, of the machines that the caller may see' }),
};

const countersSchema = z
  .object({
    source: z.enum(SOURCES).openapi({
      description:
        'The counters (in Redis or in this process), or the database where they are away',
    }),
    active: z.object(counted).openapi({ description: 'What lives now' }),
    today: z
      .object({
        day: z.iso.date(),
        ...counted,
        failed: z.int(),
        bytes_in: z.int(),
        bytes_out: z.int(),
      })
      .openapi({
        description:
          'Sessions that started on this day, in UTC; failures and bytes of those that have ended',
      }),
  })
  .openapi('Counters');

const shownRoute = guarded('stats:read', {
  method: 'get',
  path: '/v1/counters',
  summary: 'What lives now and what went on today, counted',
  responses: { 200: json(enveloped(countersSchema), 'The counts') },
});

const rebuildRoute = guarded('admin', {
  method: 'post',
  path: '/v1/counters/rebuild',
  summary: 'Makes the counters equal to the database, while sessions go on',
  responses: { 200: json(enveloped(countersSchema), 'The counts after it') },
});

/** The most first; of those that `mayShow` allows. */
function ranked(counts: CountsById, mayShow: (id: number) => boolean): [number, number][] {
  return Object.entries(counts)
    .map(([id, sessions]): [number, number] => [Number(id), sessions])
    .filter(([id]) => mayShow(id))
    .toSorted((a, b) => b[1] - a[1] || a[0] - b[0]);
}

async function sightOf(deps: ApiDeps, viewer: Viewer) {
  if (seesEverything(viewer)) return { user: () => true, machine: () => true };
  const maySee = await machineSight(deps.store, viewer, deps.clock());
  const seen = new Set((await deps.store.machines.all()).filter(maySee).map(({ id }) => id));
  return {
    user: (id: number) => id === viewer.userId,
    machine: (id: number) => seen.has(id),
  };
}

async function shown(deps: ApiDeps, viewer: Viewer) {
  const day = dayOf(deps.clock());
  const { counts, source } = await countedBy(deps, async (from) => ({
    active: await from.active(),
    today: await from.day(day),
  }));
  const sight = await sightOf(deps, viewer);
  const sums = ({ sessions, users, byUser, byMachine }: ActiveCounts) => ({
    ...{ sessions, users },
    by_user: ranked(byUser, sight.user).map(([id, of]) => ({
      ...{ user_id: id === 0 ? null : formatId('usr', id), sessions: of },
    })),
    by_machine: ranked(byMachine, sight.machine).map(([id, on]) => ({
      ...{ machine_id: id === 0 ? null : formatId('mch', id), sessions: on },
    })),
  });
  const { failed, bytesIn, bytesOut } = counts.today;
  return {
    source,
    active: sums(counts.active),
    today: { day, ...sums(counts.today), failed, bytes_in: bytesIn, bytes_out: bytesOut },
  };
}

/** What lived by the counters, before and after; null: they did not say. */
async function rebuilt({ counters }: ApiDeps) {
  const said = async () => {
    const active = await counters.active().catch(() => null);
    return { active: active?.sessions ?? null };
  };
  const before = await said();
  await counters.rebuild();
  return [before, await said()] as const;
}

export function counterRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(shownRoute, async (c) => {
    return c.json(success(await shown(deps, callerOf(c).viewer)), 200);
  });
  api.openapi(rebuildRoute, async (c) => {
    const caller = callerOf(c);
    const [before, after] = await rebuilt(deps);
    await note(deps.store, caller, deps.clock(), 'counters.rebuilt', {
      states: auditStates(before, after),
    });
    return c.json(success(await shown(deps, caller.viewer)), 200);
  });
}
