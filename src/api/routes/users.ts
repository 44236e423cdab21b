import { z } from '@hono/zod-openapi';
import { auditStates } from '../../domain/audit-state.ts';
import { ROLES } from '../../domain/role.ts';
import type { User } from '../../domain/user.ts';
import { seesEverything } from '../../domain/visibility.ts';
import { type Api, type Caller, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, failureSchema, json, messageOnly, success } from '../envelope.ts';
import { body, given, idOf, password, search, totp, userName } from '../fields.ts';
import { guarded } from '../guard.ts';
import { note } from '../journal.ts';
import { onePaging, pageRequest, pagination, paginationSchema, pagingFields } from '../paging.ts';
import { recount } from '../recount.ts';
import { machineAccess, mayTouch, noUser, seenUser } from '../user-access.ts';
import { userDetailSchema, userSchema, userView } from '../views/user.ts';

const params = z.object({ id: idOf('usr') });
const query = z
  .strictObject({
    role: z.enum(ROLES).optional(),
    search: search.optional(),
    ...pagingFields,
  })
  .superRefine(onePaging);

const email = z.email('is not an e-mail address').max(254).nullable();

const created = z.strictObject({
  name: userName,
  email: email.default(null),
  role: z.enum(ROLES).default('member'),
  password: password.nullable().default(null),
  disabled: z.literal(false).default(false),
  totp: totp.default('optional'),
});

const replaced = z.strictObject({
  name: userName,
  email: email.default(null),
  role: z.enum(ROLES),
  disabled: z.boolean().default(false),
  password: password.nullable().optional(),
  totp: totp.optional(),
});

const changed = z.strictObject({
  name: userName.optional(),
  email: email.optional(),
  role: z.enum(ROLES).optional(),
  disabled: z.boolean().optional(),
  password: password.nullable().optional().openapi({ description: 'Null takes the password away' }),
  totp: totp.optional(),
});

const one = json(enveloped(userSchema), 'The user');
const exists = json(failureSchema, 'The name is taken');

const listRoute = guarded('users:read', {
  method: 'get',
  path: '/v1/users',
  summary: 'Users, newest first; who is no admin sees themselves',
  request: { query },
  responses: {
    200: json(
      enveloped(z.object({ users: z.array(userSchema), pagination: paginationSchema })),
      'A page of users',
    ),
  },
});

const getRoute = guarded('users:read', {
  method: 'get',
  path: '/v1/users/{id}',
  summary: 'One user, with what they may reach',
  request: { params },
  responses: { 200: json(enveloped(userDetailSchema), 'The user') },
});

const createRoute = guarded('users:write', {
  method: 'post',
  path: '/v1/users',
  summary: 'A new user',
  request: body(created),
  responses: { 201: one, 409: exists },
});

const replaceRoute = guarded('users:write', {
  method: 'put',
  path: '/v1/users/{id}',
  summary: 'Everything of a user anew; without password or totp these stay',
  request: { params, ...body(replaced) },
  responses: { 200: one, 409: exists },
});

const changeRoute = guarded('users:write', {
  method: 'patch',
  path: '/v1/users/{id}',
  summary: 'Some of a user',
  request: { params, ...body(changed) },
  responses: { 200: one, 409: exists },
});

const removeRoute = guarded('users:write', {
  method: 'delete',
  path: '/v1/users/{id}',
  summary: 'Removes a user with keys, grants and tokens; their sessions stay',
  request: { params },
  responses: { 200: json(messageOnly, 'They were removed') },
});

async function hashed(deps: ApiDeps, given: string | null | undefined) {
  return typeof given === 'string' ? deps.passwords.hash(given) : given;
}

async function create(deps: ApiDeps, caller: Caller, asked: z.infer<typeof created>) {
  mayTouch(caller, [asked.role]);
  const { name, email: address, role, totp: policy } = asked;
  const passwordHash = (await hashed(deps, asked.password)) ?? null;
  return deps.store.transaction(async (stores) => {
    const user = await stores.users.create({
      name,
      email: address,
      role,
      passwordHash,
      totp: policy,
    });
    const detail = { name, role };
    await note(stores, caller, deps.clock(), 'user.created', {
      userId: user.id,
      detail,
      states: auditStates(null, user),
    });
    return user;
  });
}

async function change(
  deps: ApiDeps,
  caller: Caller,
  id: number,
  asked: z.infer<typeof changed>,
): Promise<User> {
  const { password: wanted, ...rest } = asked;
  const fields = given({ ...rest, passwordHash: await hashed(deps, wanted) });
  return deps.store.transaction(async (stores) => {
    const before = await stores.users.get(id);
    if (before === null) throw noUser(id);
    mayTouch(caller, [before.role, asked.role]);
    const user = await stores.users.update(id, fields);
    if (user === null) throw noUser(id);
    const names = Object.keys(asked).join(' ');
    const detail = { name: user.name, role: user.role, fields: names };
    await note(stores, caller, deps.clock(), 'user.changed', {
      userId: id,
      detail,
      states: auditStates(before, user),
    });
    return user;
  });
}

async function remove(deps: ApiDeps, caller: Caller, id: number): Promise<void> {
  await deps.store.transaction(async (stores) => {
    const user = await stores.users.get(id);
    if (user === null) throw noUser(id);
    mayTouch(caller, [user.role]);
    await stores.users.remove(id);
    const detail = { name: user.name };
    await note(stores, caller, deps.clock(), 'user.removed', {
      userId: id,
      detail,
      states: auditStates(user, null),
    });
  });
  await recount(deps);
}

function readRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(listRoute, async (c) => {
    const asked = c.req.valid('query');
    const request = pageRequest(asked);
    const { viewer } = callerOf(c);
    if (!seesEverything(viewer) && viewer.userId !== null) {
      const own = {
        rows: [await seenUser(deps.store, viewer, viewer.userId)],
        total: 1,
        next: null,
      };
      const users = own.rows.map(userView);
      return c.json(success({ users, pagination: pagination(request, own) }), 200);
    }
    const filter = given({ role: asked.role, search: asked.search });
    const page = await deps.store.users.list(filter, request);
    const users = page.rows.map(userView);
    return c.json(success({ users, pagination: pagination(request, page) }), 200);
  });

  api.openapi(getRoute, async (c) => {
    const user = await seenUser(deps.store, callerOf(c).viewer, c.req.valid('param').id);
    const machine_access = await machineAccess(deps.store, user.id, deps.clock());
    return c.json(success({ ...userView(user), machine_access }), 200);
  });
}

export function userRoutes(api: Api, deps: ApiDeps): void {
  readRoutes(api, deps);

  api.openapi(createRoute, async (c) =>
    c.json(success(userView(await create(deps, callerOf(c), c.req.valid('json')))), 201),
  );

  api.openapi(replaceRoute, async (c) => {
    const { id } = c.req.valid('param');
    const user = await change(deps, callerOf(c), id, c.req.valid('json'));
    return c.json(success(userView(user)), 200);
  });

  api.openapi(changeRoute, async (c) => {
    const { id } = c.req.valid('param');
    const user = await change(deps, callerOf(c), id, c.req.valid('json'));
    return c.json(success(userView(user)), 200);
  });

  api.openapi(removeRoute, async (c) => {
    await remove(deps, callerOf(c), c.req.valid('param').id);
    return c.json({ success: true as const, message: 'User removed' }, 200);
  });
}
