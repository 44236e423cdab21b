import { z } from '@hono/zod-openapi';
import { auditStates } from '../../domain/audit-state.ts';
import { PosternError } from '../../domain/errors.ts';
import { formatId } from '../../domain/ids.ts';
import { LONGEST_RETENTION } from '../../domain/retention.ts';
import type { Stores } from '../../domain/store.ts';
import type { Group } from '../../domain/user.ts';
import { type Api, type Caller, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, failureSchema, json, messageOnly, success } from '../envelope.ts';
import { refuse } from '../errors.ts';
import { body, idOf, isoTime, outId, outTime, userName } from '../fields.ts';
import { guarded } from '../guard.ts';
import { note } from '../journal.ts';
import { NamesOf } from '../names-of.ts';
import { onePaging, pageRequest, pagination, paginationSchema, pagingFields } from '../paging.ts';
import { namedSchema } from '../views/named.ts';

const params = z.object({ id: idOf('grp') });
const members = z.array(idOf('usr')).max(1000);

const groupRetention = z.int().min(0).max(LONGEST_RETENTION).nullable().openapi({
  description: 'Seconds that recordings of its members are kept; 0: for ever; null: not said',
});

const groupSchema = z
  .object({
    id: outId('grp'),
    name: z.string(),
    members: z.array(namedSchema('usr')),
    retention: groupRetention,
    created_at: outTime,
  })
  .openapi('Group');

const one = json(enveloped(groupSchema), 'The group');

const listRoute = guarded('admin', {
  method: 'get',
  path: '/v1/groups',
  summary: 'Groups, newest first',
  request: { query: z.strictObject(pagingFields).superRefine(onePaging) },
  responses: {
    200: json(
      enveloped(z.object({ groups: z.array(groupSchema), pagination: paginationSchema })),
      'A page of groups',
    ),
  },
});

const getRoute = guarded('admin', {
  method: 'get',
  path: '/v1/groups/{id}',
  summary: 'One group with its members',
  request: { params },
  responses: { 200: one },
});

const newSchema = z.strictObject({
  name: userName,
  members: members.default([]),
  retention: groupRetention.default(null),
});
type NewGroup = z.infer<typeof newSchema>;

const createRoute = guarded('admin', {
  method: 'post',
  path: '/v1/groups',
  summary: 'A new group',
  request: body(newSchema),
  responses: { 201: one, 409: json(failureSchema, 'The name is taken') },
});

const changeSchema = z
  .strictObject({ members: members.optional(), retention: groupRetention.optional() })
  .refine((asked) => Object.keys(asked).length > 0, 'must have members or retention');

const changeRoute = guarded('admin', {
  method: 'patch',
  path: '/v1/groups/{id}',
  summary: 'Sets who is in a group, and how long their recordings are kept',
  request: { params, ...body(changeSchema) },
  responses: { 200: one },
});

const removeRoute = guarded('admin', {
  method: 'delete',
  path: '/v1/groups/{id}',
  summary: 'Removes a group that no grant names',
  request: { params },
  responses: {
    200: json(messageOnly, 'It was removed'),
    409: json(failureSchema, 'A grant names it'),
  },
});

function noGroup(id: number): PosternError {
  return new PosternError('thing.not_found', { kind: 'group', id: formatId('grp', id) });
}

async function groupView(group: Group, names: NamesOf): Promise<z.infer<typeof groupSchema>> {
  return {
    id: formatId('grp', group.id),
    name: group.name,
    members: await Promise.all(group.members.map((id) => names.user(id))),
    retention: group.retention,
    created_at: isoTime(group.createdAt),
  };
}

/** Throws `request.invalid` naming the first member that is no user. */
async function usersExist(stores: Stores, ids: readonly number[]): Promise<void> {
  for (const [at, id] of ids.entries()) {
    if ((await stores.users.get(id)) === null) {
      refuse(`members[${at}]`, `there is no user ${formatId('usr', id)}`);
    }
  }
}

function create(deps: ApiDeps, caller: Caller, asked: NewGroup) {
  const { name, members: wanted, retention } = asked;
  return deps.store.transaction(async (stores) => {
    await usersExist(stores, wanted);
    const group = await stores.groups.create(name, wanted, retention);
    const detail = { name, members: wanted.length, ...(retention !== null && { retention }) };
    await note(stores, caller, deps.clock(), 'group.created', {
      detail,
      states: auditStates(null, group),
    });
    return group;
  });
}

function change(deps: ApiDeps, caller: Caller, id: number, asked: z.infer<typeof changeSchema>) {
  const { members: wanted, retention } = asked;
  return deps.store.transaction(async (stores) => {
    await usersExist(stores, wanted ?? []);
    const before = await stores.groups.get(id);
    let group = before;
    if (wanted !== undefined) group = await stores.groups.setMembers(id, wanted);
    if (retention !== undefined) group = await stores.groups.setRetention(id, retention);
    if (group === null) throw noGroup(id);
    const detail = {
      name: group.name,
      ...(wanted !== undefined && { members: wanted.length }),
      ...(retention !== undefined && { retention }),
    };
    await note(stores, caller, deps.clock(), 'group.changed', {
      detail,
      states: auditStates(before, group),
    });
    return group;
  });
}

function remove(deps: ApiDeps, caller: Caller, id: number): Promise<void> {
  return deps.store.transaction(async (stores) => {
    const group = await stores.groups.get(id);
    if (group === null || !(await stores.groups.remove(id))) throw noGroup(id);
    const detail = { name: group.name };
    await note(stores, caller, deps.clock(), 'group.removed', {
      detail,
      states: auditStates(group, null),
    });
  });
}

export function groupRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(listRoute, async (c) => {
    const request = pageRequest(c.req.valid('query'));
    const page = await deps.store.groups.list(request);
    const names = new NamesOf(deps.store);
    const groups = await Promise.all(page.rows.map((group) => groupView(group, names)));
    return c.json(success({ groups, pagination: pagination(request, page) }), 200);
  });

  api.openapi(getRoute, async (c) => {
    const { id } = c.req.valid('param');
    const group = await deps.store.groups.get(id);
    if (group === null) throw noGroup(id);
    return c.json(success(await groupView(group, new NamesOf(deps.store))), 200);
  });

  api.openapi(createRoute, async (c) => {
    const group = await create(deps, callerOf(c), c.req.valid('json'));
    return c.json(success(await groupView(group, new NamesOf(deps.store))), 201);
  });

  api.openapi(changeRoute, async (c) => {
    const { id } = c.req.valid('param');
    const group = await change(deps, callerOf(c), id, c.req.valid('json'));
    return c.json(success(await groupView(group, new NamesOf(deps.store))), 200);
  });

  api.openapi(removeRoute, async (c) => {
    await remove(deps, callerOf(c), c.req.valid('param').id);
    return c.json({ success: true as const, message: 'Group removed' }, 200);
  });
}
