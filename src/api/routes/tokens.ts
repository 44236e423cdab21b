import { z } from '@hono/zod-openapi';
import { auditStates } from '../../domain/audit-state.ts';
import { hashBearer, newBearer } from '../../domain/bearer.ts';
import { PosternError } from '../../domain/errors.ts';
import { formatId } from '../../domain/ids.ts';
import { SCOPES } from '../../domain/role.ts';
import type { Token } from '../../domain/token.ts';
import { type Api, type Caller, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, json, messageOnly, success } from '../envelope.ts';
import { refuse } from '../errors.ts';
import {
  body,
  idOf,
  isoTime,
  isoTimeOrNull,
  orNull,
  outId,
  outTime,
  text,
  time,
} from '../fields.ts';
import { guarded } from '../guard.ts';
import { note } from '../journal.ts';
import { onePaging, pageRequest, pagination, paginationSchema, pagingFields } from '../paging.ts';

const params = z.object({ id: idOf('tok') });
const query = z
  .strictObject({ user_id: idOf('usr').optional(), ...pagingFields })
  .superRefine(onePaging);

const created = z.strictObject({
  name: text(100).min(1),
  scopes: z.array(z.enum(SCOPES)).min(1).max(SCOPES.length),
  user_id: orNull(idOf('usr')).optional().openapi({
    description: 'Whose it is; left out: the caller. Null: nobody, so that it sees everything',
  }),
  expires_at: orNull(time).default(null),
});

const tokenSchema = z
  .object({
    id: outId('tok'),
    name: z.string(),
    user_id: outId('usr').nullable(),
    scopes: z.array(z.enum(SCOPES)),
    created_at: outTime,
    expires_at: outTime.nullable(),
    last_used_at: outTime.nullable(),
  })
  .openapi('Token');

const listRoute = guarded('admin', {
  method: 'get',
  path: '/v1/tokens',
  summary: 'API tokens, newest first; never their secrets',
  request: { query },
  responses: {
    200: json(
      enveloped(z.object({ tokens: z.array(tokenSchema), pagination: paginationSchema })),
      'A page of tokens',
    ),
  },
});

const createRoute = guarded('admin', {
  method: 'post',
  path: '/v1/tokens',
  summary: 'A new token; its secret is in this answer and nowhere else',
  request: body(created),
  responses: {
    201: json(
      enveloped(tokenSchema.extend({ token: z.string().openapi({ example: 'pst_…' }) })),
      'It was made',
    ),
  },
});

const revokeRoute = guarded('admin', {
  method: 'delete',
  path: '/v1/tokens/{id}',
  summary: 'Revokes a token',
  request: { params },
  responses: { 200: json(messageOnly, 'It was revoked') },
});

function tokenView(token: Token): z.infer<typeof tokenSchema> {
  return {
    id: formatId('tok', token.id),
    name: token.name,
    user_id: token.userId === null ? null : formatId('usr', token.userId),
    scopes: [...token.scopes],
    created_at: isoTime(token.createdAt),
    expires_at: isoTimeOrNull(token.expiresAt),
    last_used_at: isoTimeOrNull(token.lastUsedAt),
  };
}

async function create(deps: ApiDeps, caller: Caller, asked: z.infer<typeof created>, hash: string) {
  const { name, scopes, expires_at: expiresAt } = asked;
  const userId = asked.user_id === undefined ? caller.viewer.userId : asked.user_id;
  if (expiresAt !== null && expiresAt <= deps.clock()) refuse('expires_at', 'is in the past');
  return deps.store.transaction(async (stores) => {
    if (userId !== null && (await stores.users.get(userId)) === null) {
      refuse('user_id', `there is no user ${formatId('usr', userId)}`);
    }
    const token = await stores.tokens.create({
      userId,
      kind: 'api',
      name,
      scopes,
      expiresAt,
      hash,
    });
    await note(stores, caller, deps.clock(), 'token.created', {
      ...(userId === null ? {} : { userId }),
      detail: { name, id: formatId('tok', token.id), scopes: scopes.join(' ') },
      states: auditStates(null, token),
    });
    return token;
  });
}

function revoke(deps: ApiDeps, caller: Caller, id: number): Promise<void> {
  return deps.store.transaction(async (stores) => {
    const was = await stores.tokens.revoke(id);
    if (was === null) {
      throw new PosternError('thing.not_found', { kind: 'token', id: formatId('tok', id) });
    }
    const detail = { id: formatId('tok', id) };
    await note(stores, caller, deps.clock(), 'token.revoked', {
      detail,
      states: auditStates(was, null),
    });
  });
}

export function tokenRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(listRoute, async (c) => {
    const asked = c.req.valid('query');
    const request = pageRequest(asked);
    const page = await deps.store.tokens.list(asked.user_id ?? null, request);
    const tokens = page.rows.map(tokenView);
    return c.json(success({ tokens, pagination: pagination(request, page) }), 200);
  });

  api.openapi(createRoute, async (c) => {
    const secret = newBearer();
    const hash = await hashBearer(secret);
    const token = await create(deps, callerOf(c), c.req.valid('json'), hash);
    return c.json(success({ ...tokenView(token), token: secret }), 201);
  });

  api.openapi(revokeRoute, async (c) => {
    await revoke(deps, callerOf(c), c.req.valid('param').id);
    return c.json({ success: true as const, message: 'Token revoked' }, 200);
  });
}
