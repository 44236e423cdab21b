import { z } from '@hono/zod-openapi';
import { auditStates } from '../../domain/audit-state.ts';
import { PosternError } from '../../domain/errors.ts';
import { formatId } from '../../domain/ids.ts';
import type { NewUserKey } from '../../domain/user.ts';
import { type Api, type Caller, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, failureSchema, json, messageOnly, success } from '../envelope.ts';
import { refuse } from '../errors.ts';
import { body, idOf } from '../fields.ts';
import { guarded } from '../guard.ts';
import { note } from '../journal.ts';
import { mayTouch, noUser, seenUser } from '../user-access.ts';
import { keySchema, keyView } from '../views/user.ts';

const params = z.object({ id: idOf('usr') });
const keyParams = z.object({ id: idOf('usr'), key_id: idOf('key') });

const listRoute = guarded('users:read', {
  method: 'get',
  path: '/v1/users/{id}/keys',
  summary: 'The public keys that a user signs in with',
  request: { params },
  responses: { 200: json(enveloped(z.object({ keys: z.array(keySchema) })), 'The keys') },
});

const addRoute = guarded('users:write', {
  method: 'post',
  path: '/v1/users/{id}/keys',
  summary: 'Adds a key: one line as in authorized_keys',
  request: { params, ...body(z.strictObject({ key: z.string().min(1).max(20_000) })) },
  responses: {
    201: json(enveloped(keySchema), 'It was added'),
    409: json(failureSchema, 'The user has it already'),
  },
});

const removeRoute = guarded('users:write', {
  method: 'delete',
  path: '/v1/users/{id}/keys/{key_id}',
  summary: 'Takes a key away',
  request: { params: keyParams },
  responses: { 200: json(messageOnly, 'It was removed') },
});

function add(deps: ApiDeps, caller: Caller, id: number, wanted: NewUserKey) {
  return deps.store.transaction(async (stores) => {
    const user = await stores.users.get(id);
    if (user === null) throw noUser(id);
    mayTouch(caller, [user.role]);
    const key = await stores.users.addKey(id, wanted);
    const detail = { name: user.name, fingerprint: key.fingerprint };
    await note(stores, caller, deps.clock(), 'key.added', {
      userId: id,
      detail,
      states: auditStates(null, key),
    });
    return key;
  });
}

function remove(deps: ApiDeps, caller: Caller, id: number, keyId: number): Promise<void> {
  return deps.store.transaction(async (stores) => {
    const user = await stores.users.get(id);
    if (user === null) throw noUser(id);
    mayTouch(caller, [user.role]);
    const was = await stores.users.removeKey(id, keyId);
    if (was === null) {
      throw new PosternError('thing.not_found', { kind: 'key', id: formatId('key', keyId) });
    }
    const detail = { name: user.name, key: formatId('key', keyId) };
    await note(stores, caller, deps.clock(), 'key.removed', {
      userId: id,
      detail,
      states: auditStates(was, null),
    });
  });
}

export function keyRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(listRoute, async (c) => {
    const user = await seenUser(deps.store, callerOf(c).viewer, c.req.valid('param').id);
    const keys = await deps.store.users.keys(user.id);
    return c.json(success({ keys: keys.map(keyView) }), 200);
  });

  api.openapi(addRoute, async (c) => {
    const parsed = deps.parsePublicKey(c.req.valid('json').key);
    if ('problem' in parsed) refuse('key', parsed.problem);
    const key = await add(deps, callerOf(c), c.req.valid('param').id, parsed);
    return c.json(success(keyView(key)), 201);
  });

  api.openapi(removeRoute, async (c) => {
    const { id, key_id } = c.req.valid('param');
    await remove(deps, callerOf(c), id, key_id);
    return c.json({ success: true as const, message: 'Key removed' }, 200);
  });
}
