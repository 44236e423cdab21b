import { z } from '@hono/zod-openapi';
import type { Machine } from '../../domain/machine.ts';
import type { Page, PageRequest } from '../../domain/page.ts';
import { seesEverything } from '../../domain/visibility.ts';
import { type Api, type Caller, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, json, success } from '../envelope.ts';
import { given, idOf, search, text } from '../fields.ts';
import { guarded } from '../guard.ts';
import { machineSight, seenMachine } from '../machine-access.ts';
import { tagKey } from '../machine-fields.ts';
import { onePaging, pageRequest, pagination, paginationSchema, pagingFields } from '../paging.ts';
import { MACHINE_STATUSES, machineSchema, machineStatus, machineView } from '../views/machine.ts';
import { connectedMachines } from './machine-changes.ts';

const tag = text(300)
  .transform((pair, context) => {
    const cut = pair.indexOf('=');
    const key = tagKey.safeParse(pair.slice(0, cut));
    if (cut === -1 || !key.success) {
      context.addIssue({ code: 'custom', message: 'must be KEY=VALUE' });
      return z.NEVER;
    }
    return { key: key.data, value: pair.slice(cut + 1) };
  })
  .openapi({ type: 'string', example: 'env=prod' });

const query = z
  .strictObject({
    status: z.enum(MACHINE_STATUSES).optional(),
    tag: tag.optional(),
    search: search.optional(),
    ...pagingFields,
  })
  .superRefine(onePaging);

const params = z.object({ id: idOf('mch') });

const listRoute = guarded('machines:read', {
  method: 'get',
  path: '/v1/machines',
  summary: 'The machines that the caller may see, newest first',
  request: { query },
  responses: {
    200: json(
      enveloped(z.object({ machines: z.array(machineSchema), pagination: paginationSchema })),
      'A page of machines',
    ),
  },
});

const getRoute = guarded('machines:read', {
  method: 'get',
  path: '/v1/machines/{id}',
  summary: 'One machine',
  request: { params },
  responses: { 200: json(enveloped(machineSchema), 'The machine') },
});

/** The keys of the machines that a list may show; undefined: of all. At most 1000 are looked at. */
async function idsOf(
  deps: ApiDeps,
  caller: Caller,
  status: string | undefined,
  connected: ReadonlySet<number>,
): Promise<readonly number[] | undefined> {
  if (seesEverything(caller.viewer) && status === undefined) return undefined;
  const maySee = await machineSight(deps.store, caller.viewer, deps.clock());
  return (await deps.store.machines.all())
    .filter(maySee)
    .filter((machine) => status === undefined || machineStatus(machine, connected) === status)
    .map(({ id }) => id);
}

async function pageOf(
  deps: ApiDeps,
  asked: z.infer<typeof query>,
  ids: readonly number[] | undefined,
  request: PageRequest,
): Promise<Page<Machine>> {
  if (ids?.length === 0) return { rows: [], total: 0, next: null };
  const filter = given({ tag: asked.tag, search: asked.search, ids });
  return deps.store.machines.list(filter, request);
}

export function machineRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(listRoute, async (c) => {
    const asked = c.req.valid('query');
    const request = pageRequest(asked);
    const caller = callerOf(c);
    const connected = await connectedMachines(deps);
    const ids = await idsOf(deps, caller, asked.status, connected);
    const page = await pageOf(deps, asked, ids, request);
    const machines = page.rows.map((machine) => machineView(machine, connected, caller.viewer));
    return c.json(success({ machines, pagination: pagination(request, page) }), 200);
  });

  api.openapi(getRoute, async (c) => {
    const { viewer } = callerOf(c);
    const machine = await seenMachine(deps.store, viewer, deps.clock(), c.req.valid('param').id);
    return c.json(success(machineView(machine, await connectedMachines(deps), viewer)), 200);
  });
}
