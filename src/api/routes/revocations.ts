import { z } from '@hono/zod-openapi';
import { auditStates } from '../../domain/audit-state.ts';
import { type NewRevocation, REVOCATION_KINDS } from '../../domain/certificate.ts';
import { PosternError } from '../../domain/errors.ts';
import { formatId } from '../../domain/ids.ts';
import { type Api, type Caller, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, failureSchema, json, messageOnly, success } from '../envelope.ts';
import { refuse } from '../errors.ts';
import { body, idOf, orNull, text } from '../fields.ts';
import { guarded } from '../guard.ts';
import { note } from '../journal.ts';
import { onePaging, pageRequest, pagination, paginationSchema, pagingFields } from '../paging.ts';
import { revocationValue, valueProblem } from '../revocation-value.ts';
import { revocationSchema, revocationView } from '../views/certificate.ts';
import { noAuthority } from './certificate-authorities.ts';

const params = z.object({ id: idOf('rvk') });

const created = z.strictObject({
  kind: z.enum(REVOCATION_KINDS),
  value: revocationValue,
  authority: orNull(idOf('ca')).default(null).openapi({
    description: 'Whose certificates are meant, for a serial or a key id; null: of any authority',
  }),
  reason: text(500).default(''),
});

const listRoute = guarded('admin', {
  method: 'get',
  path: '/v1/revocations',
  summary: 'Keys and certificates that are accepted no more, newest first',
  request: { query: z.strictObject(pagingFields).superRefine(onePaging) },
  responses: {
    200: json(
      enveloped(z.object({ revocations: z.array(revocationSchema), pagination: paginationSchema })),
      'A page of revocations',
    ),
  },
});

const createRoute = guarded('admin', {
  method: 'post',
  path: '/v1/revocations',
  summary: 'Accepts a key, or the certificates of a serial or key id, no more',
  request: body(created),
  responses: {
    201: json(enveloped(revocationSchema), 'It is revoked'),
    409: json(failureSchema, 'It was revoked already'),
  },
});

const removeRoute = guarded('admin', {
  method: 'delete',
  path: '/v1/revocations/{id}',
  summary: 'Takes a revocation back',
  request: { params },
  responses: { 200: json(messageOnly, 'It was removed') },
});

/** Throws `request.invalid` for a value that could never be found. */
function check({ kind, value, authority }: z.infer<typeof created>): void {
  const problem = valueProblem(kind, value);
  if (problem !== null) refuse('value', problem);
  if (kind === 'fingerprint' && authority !== null) {
    refuse('authority', 'is for a serial or a key id');
  }
  if (kind === 'serial' && authority === null) {
    refuse('authority', 'is needed: each authority counts for itself');
  }
}

function create(deps: ApiDeps, caller: Caller, asked: z.infer<typeof created>) {
  return deps.store.transaction(async (stores) => {
    const { kind, value, reason } = asked;
    const ca = asked.authority === null ? null : await stores.authorities.get(asked.authority);
    if (asked.authority !== null && ca === null) throw noAuthority(asked.authority);
    const wanted: NewRevocation = { kind, value, reason, authority: ca?.fingerprint ?? null };
    const made = await stores.revocations.create(wanted);
    const detail = { kind, value, authority: ca?.name ?? null, reason };
    await note(stores, caller, deps.clock(), 'revocation.created', {
      detail,
      states: auditStates(null, made),
    });
    return made;
  });
}

function remove(deps: ApiDeps, caller: Caller, id: number): Promise<void> {
  return deps.store.transaction(async (stores) => {
    const was = await stores.revocations.remove(id);
    if (was === null) {
      throw new PosternError('thing.not_found', { kind: 'revocation', id: formatId('rvk', id) });
    }
    const detail = { id: formatId('rvk', id) };
    await note(stores, caller, deps.clock(), 'revocation.removed', {
      detail,
      states: auditStates(was, null),
    });
  });
}

export function revocationRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(listRoute, async (c) => {
    const request = pageRequest(c.req.valid('query'));
    const page = await deps.store.revocations.list(request);
    const revocations = page.rows.map(revocationView);
    return c.json(success({ revocations, pagination: pagination(request, page) }), 200);
  });

  api.openapi(createRoute, async (c) => {
    const asked = c.req.valid('json');
    check(asked);
    return c.json(success(revocationView(await create(deps, callerOf(c), asked))), 201);
  });

  api.openapi(removeRoute, async (c) => {
    await remove(deps, callerOf(c), c.req.valid('param').id);
    return c.json({ success: true as const, message: 'Revocation removed' }, 200);
  });
}
