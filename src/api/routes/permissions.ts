import { z } from '@hono/zod-openapi';
import { ACCESS_LEVELS, type MachineLevel, MOST_LEVELS } from '../../domain/access-level.ts';
import { PosternError } from '../../domain/errors.ts';
import { formatId } from '../../domain/ids.ts';
import type { User } from '../../domain/user.ts';
import { type Api, type Caller, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, json, success } from '../envelope.ts';
import { body, idOf } from '../fields.ts';
import { guarded } from '../guard.ts';
import { note } from '../journal.ts';
import { machineAccess, noUser } from '../user-access.ts';
import { userDetailSchema, userView } from '../views/user.ts';

const params = z.object({ id: idOf('usr') });

const given = z.strictObject({
  machine_access: z
    .array(z.strictObject({ machine_id: idOf('mch'), access_level: z.enum(ACCESS_LEVELS) }))
    .max(MOST_LEVELS, `must have at most ${MOST_LEVELS} machines`)
    .superRefine(eachOnce)
    .openapi({
      description:
        'full: connect, run commands, transfer files; connect_only: no commands and no files; ' +
        'read_only: see the machine, not connect',
    }),
});

type Given = z.infer<typeof given>['machine_access'];

function eachOnce(
  machines: readonly { readonly machine_id: number }[],
  context: z.RefinementCtx,
): void {
  const met = new Set<number>();
  for (const [at, { machine_id: id }] of machines.entries()) {
    const path = [at, 'machine_id'];
    if (met.has(id)) context.addIssue({ code: 'custom', path, message: 'is named twice' });
    met.add(id);
  }
}

// As of grants: what is given here is grants.
const giveRoute = guarded('admin', {
  method: 'put',
  path: '/v1/users/{id}/permissions',
  summary:
    'Gives a user a level on each of some machines, and takes back what was given so before; grants stay',
  request: { params, ...body(given) },
  responses: { 200: json(enveloped(userDetailSchema), 'The user, with all that they may reach') },
});

/** Throws `request.invalid` with each field that names no machine. */
function refuseUnknown(asked: Given, after: readonly MachineLevel[]): void {
  const there = new Set(after.map(({ machineId }) => machineId));
  const problems = asked.flatMap(({ machine_id }, at) =>
    there.has(machine_id)
      ? []
      : [{ field: `machine_access[${at}].machine_id`, message: 'there is no such thing' }],
  );
  if (problems.length > 0) {
    throw new PosternError('request.invalid', {}, { problems: problems.slice(0, 50) });
  }
}

function stateOf(levels: readonly MachineLevel[]) {
  return {
    machine_access: levels.map(({ machineId, level }) => ({
      machine_id: formatId('mch', machineId),
      access_level: level,
    })),
  };
}

/** All of it or nothing; answers the user with what they may reach then. */
function give(deps: ApiDeps, caller: Caller, id: number, asked: Given) {
  return deps.store.transaction(async (stores) => {
    const levels = asked.map(({ machine_id: machineId, access_level: level }) => {
      return { machineId, level };
    });
    const changed = await stores.grants.setLevels(id, levels);
    const user: User | null = changed && (await stores.users.get(id));
    if (changed === null || user === null) throw noUser(id);
    const { before, after } = changed;
    refuseUnknown(asked, after);
    const now = deps.clock();
    await note(stores, caller, now, 'user.permissions_changed', {
      userId: id,
      detail: { name: user.name, machines: after.length },
      states: { before: stateOf(before), after: stateOf(after) },
    });
    return { ...userView(user), machine_access: await machineAccess(stores, id, now) };
  });
}

export function permissionRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(giveRoute, async (c) => {
    const { id } = c.req.valid('param');
    const { machine_access } = c.req.valid('json');
    return c.json(success(await give(deps, callerOf(c), id, machine_access)), 200);
  });
}
