import { z } from '@hono/zod-openapi';
import { auditStates } from '../../domain/audit-state.ts';
import { PosternError } from '../../domain/errors.ts';
import type { Grant, GrantOn, GrantTo } from '../../domain/grant.ts';
import { formatId } from '../../domain/ids.ts';
import type { Stores } from '../../domain/store.ts';
import { type Api, type Caller, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, json, messageOnly, success } from '../envelope.ts';
import { refuse } from '../errors.ts';
import { body, given, idOf, machineName, text, userName } from '../fields.ts';
import { flagFields, termsFields, termsOf } from '../grant-fields.ts';
import { guarded } from '../guard.ts';
import { note } from '../journal.ts';
import { tagKey } from '../machine-fields.ts';
import { NamesOf } from '../names-of.ts';
import { onePaging, pageRequest, pagination, paginationSchema, pagingFields } from '../paging.ts';
import { grantSchema, grantView } from '../views/grant.ts';

const params = z.object({ id: idOf('grt') });
const query = z
  .strictObject({
    user_id: idOf('usr').optional(),
    group_id: idOf('grp').optional(),
    machine_id: idOf('mch').optional(),
    ...pagingFields,
  })
  .superRefine(onePaging);

const tag = z.strictObject({ key: tagKey, value: text(200) });

/** Exactly one of the ways to say it. */
function exactlyOne(value: object, context: z.RefinementCtx): void {
  const said = Object.values(value).filter((one) => one !== undefined).length;
  if (said !== 1) context.addIssue({ code: 'custom', message: 'must name exactly one thing' });
}

const who = z
  .strictObject({
    user_id: idOf('usr').optional(),
    user: userName.optional(),
    group_id: idOf('grp').optional(),
    group: userName.optional(),
  })
  .superRefine(exactlyOne);

const created = z.strictObject({
  to: who,
  on: z
    .strictObject({
      machine_id: idOf('mch').optional(),
      machine: machineName.optional(),
      stack: machineName.optional(),
      tag: tag.optional(),
    })
    .superRefine(exactlyOne),
  logins: termsFields.logins.default([]),
  allow: termsFields.allow,
  forward_to: termsFields.forward_to.default([]),
  from_networks: termsFields.from_networks.default([]),
  until: termsFields.until.default(null),
  max_session: termsFields.max_session.default(null),
  idle_timeout: termsFields.idle_timeout.default(null),
  ...flagFields,
  approval: z
    .strictObject({ by: who })
    .nullable()
    .default(null)
    .openapi({ description: 'Who has to approve each session; null: nobody' }),
});

type Asked = z.infer<typeof created>;

const one = json(enveloped(grantSchema), 'The grant');

const listRoute = guarded('admin', {
  method: 'get',
  path: '/v1/grants',
  summary: 'Grants, newest first',
  request: { query },
  responses: {
    200: json(
      enveloped(z.object({ grants: z.array(grantSchema), pagination: paginationSchema })),
      'A page of grants',
    ),
  },
});

const getRoute = guarded('admin', {
  method: 'get',
  path: '/v1/grants/{id}',
  summary: 'One grant',
  request: { params },
  responses: { 200: one },
});

const createRoute = guarded('admin', {
  method: 'post',
  path: '/v1/grants',
  summary: 'A new grant: who, on what, with what; what is not named is denied',
  request: body(created),
  responses: { 201: one },
});

const removeRoute = guarded('admin', {
  method: 'delete',
  path: '/v1/grants/{id}',
  summary: 'Takes a grant back',
  request: { params },
  responses: { 200: json(messageOnly, 'It was removed') },
});

function noGrant(id: number): PosternError {
  return new PosternError('thing.not_found', { kind: 'grant', id: formatId('grt', id) });
}

/** The thing that a field names by id or by name. Throws `request.invalid` naming the field. */
async function named<T>(field: string, find: Promise<T | null>): Promise<T> {
  return (await find) ?? refuse(field, 'there is no such thing');
}

/** The user or group that `asked` names; `field` is where it stands. */
async function whoOf(stores: Stores, field: string, asked: Asked['to']): Promise<GrantTo> {
  const { users, groups } = stores;
  const { user, user_id, group, group_id } = asked;
  if (user_id !== undefined) {
    return { userId: (await named(`${field}.user_id`, users.get(user_id))).id };
  }
  if (user !== undefined) {
    return { userId: (await named(`${field}.user`, users.getByName(user))).id };
  }
  if (group_id !== undefined) {
    return { groupId: (await named(`${field}.group_id`, groups.get(group_id))).id };
  }
  return { groupId: (await named(`${field}.group`, groups.getByName(group ?? ''))).id };
}

/** Throws where the only one who could approve is the one who asks. */
async function approvalOf(
  stores: Stores,
  { approval }: Asked,
  to: GrantTo,
): Promise<GrantTo | null> {
  if (approval === null) return null;
  const by = await whoOf(stores, 'approval.by', approval.by);
  if ('userId' in by && 'userId' in to && by.userId === to.userId) {
    refuse('approval.by', 'must be somebody else: nobody approves their own sessions');
  }
  return by;
}

async function onOf(stores: Stores, on: Asked['on']): Promise<GrantOn> {
  const { machines, stacks } = stores;
  if (on.tag !== undefined) return { tag: on.tag };
  if (on.stack !== undefined) {
    return { stackId: (await named('on.stack', stacks.find(on.stack))).id };
  }
  if (on.machine_id !== undefined) {
    return { machineId: (await named('on.machine_id', machines.get(on.machine_id))).id };
  }
  return { machineId: (await named('on.machine', machines.getByName(on.machine ?? ''))).id };
}

function create(deps: ApiDeps, caller: Caller, asked: Asked): Promise<Grant> {
  return deps.store.transaction(async (stores) => {
    const to = await whoOf(stores, 'to', asked.to);
    const on = await onOf(stores, asked.on);
    const approval = await approvalOf(stores, asked, to);
    const grant = await stores.grants.create({ to, on, approval, ...termsOf(asked) });
    await noteGrant(deps, stores, caller, 'grant.created', grant);
    return grant;
  });
}

async function noteGrant(
  deps: ApiDeps,
  stores: Stores,
  caller: Caller,
  type: 'grant.created' | 'grant.removed',
  grant: Grant,
): Promise<void> {
  const { id, to, on, allow } = grant;
  await note(stores, caller, deps.clock(), type, {
    ...('userId' in to ? { userId: to.userId } : {}),
    machineId: 'machineId' in on ? on.machineId : null,
    detail: { grant: formatId('grt', id), allow: allow.join(' ') },
    states: type === 'grant.created' ? auditStates(null, grant) : auditStates(grant, null),
  });
}

function remove(deps: ApiDeps, caller: Caller, id: number): Promise<void> {
  return deps.store.transaction(async (stores) => {
    const grant = await stores.grants.get(id);
    if (grant === null || !(await stores.grants.remove(id))) throw noGrant(id);
    await noteGrant(deps, stores, caller, 'grant.removed', grant);
  });
}

export function grantRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(listRoute, async (c) => {
    const asked = c.req.valid('query');
    const request = pageRequest(asked);
    const filter = given({
      userId: asked.user_id,
      groupId: asked.group_id,
      machineId: asked.machine_id,
    });
    const page = await deps.store.grants.list(filter, request);
    const names = new NamesOf(deps.store);
    const grants = await Promise.all(page.rows.map((grant) => grantView(grant, names)));
    return c.json(success({ grants, pagination: pagination(request, page) }), 200);
  });

  api.openapi(getRoute, async (c) => {
    const { id } = c.req.valid('param');
    const grant = await deps.store.grants.get(id);
    if (grant === null) throw noGrant(id);
    return c.json(success(await grantView(grant, new NamesOf(deps.store))), 200);
  });

  api.openapi(createRoute, async (c) => {
    const grant = await create(deps, callerOf(c), c.req.valid('json'));
    return c.json(success(await grantView(grant, new NamesOf(deps.store))), 201);
  });

  api.openapi(removeRoute, async (c) => {
    await remove(deps, callerOf(c), c.req.valid('param').id);
    return c.json({ success: true as const, message: 'Grant removed' }, 200);
  });
}
