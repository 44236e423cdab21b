import { z } from '@hono/zod-openapi';
import { auditStates } from '../../domain/audit-state.ts';
import type { NewCertificateAuthority } from '../../domain/certificate.ts';
import { PosternError } from '../../domain/errors.ts';
import { formatId } from '../../domain/ids.ts';
import {
  authorityKey,
  authorityKeyField,
  matchUserNameField,
  principalsField,
} from '../authority-fields.ts';
import { type Api, type Caller, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, failureSchema, json, messageOnly, success } from '../envelope.ts';
import { body, idOf, machineName } from '../fields.ts';
import { guarded } from '../guard.ts';
import { note } from '../journal.ts';
import { onePaging, pageRequest, pagination, paginationSchema, pagingFields } from '../paging.ts';
import { authoritySchema, authorityView } from '../views/certificate.ts';

const params = z.object({ id: idOf('ca') });
const one = json(enveloped(authoritySchema), 'The authority');

const listRoute = guarded('admin', {
  method: 'get',
  path: '/v1/certificate-authorities',
  summary: 'Authorities whose user certificates are trusted, newest first',
  request: { query: z.strictObject(pagingFields).superRefine(onePaging) },
  responses: {
    200: json(
      enveloped(
        z.object({
          certificate_authorities: z.array(authoritySchema),
          pagination: paginationSchema,
        }),
      ),
      'A page of authorities',
    ),
  },
});

const getRoute = guarded('admin', {
  method: 'get',
  path: '/v1/certificate-authorities/{id}',
  summary: 'One authority',
  request: { params },
  responses: { 200: one },
});

const createRoute = guarded('admin', {
  method: 'post',
  path: '/v1/certificate-authorities',
  summary: 'Trusts the user certificates that a key signs',
  request: body(
    z.strictObject({
      name: machineName,
      key: authorityKeyField,
      match_user_name: matchUserNameField.default(true),
      principals: principalsField.default({}),
    }),
  ),
  responses: { 201: one, 409: json(failureSchema, 'The name or the key is there already') },
});

const changeRoute = guarded('admin', {
  method: 'patch',
  path: '/v1/certificate-authorities/{id}',
  summary: 'Sets which principals stand for which users',
  request: {
    params,
    ...body(
      z.strictObject({
        match_user_name: matchUserNameField.optional(),
        principals: principalsField.optional(),
      }),
    ),
  },
  responses: { 200: one },
});

const removeRoute = guarded('admin', {
  method: 'delete',
  path: '/v1/certificate-authorities/{id}',
  summary: 'Trusts an authority no more; what is revoked stays so',
  request: { params },
  responses: { 200: json(messageOnly, 'It was removed') },
});

export function noAuthority(id: number): PosternError {
  return new PosternError('thing.not_found', {
    kind: 'certificate authority',
    id: formatId('ca', id),
  });
}

function create(deps: ApiDeps, caller: Caller, wanted: NewCertificateAuthority) {
  return deps.store.transaction(async (stores) => {
    const made = await stores.authorities.create(wanted);
    const detail = { name: made.name, fingerprint: made.fingerprint };
    await note(stores, caller, deps.clock(), 'authority.created', {
      detail,
      states: auditStates(null, made),
    });
    return made;
  });
}

function change(
  deps: ApiDeps,
  caller: Caller,
  id: number,
  wanted: Partial<Pick<NewCertificateAuthority, 'matchUserName' | 'principals'>>,
) {
  return deps.store.transaction(async (stores) => {
    const before = await stores.authorities.get(id);
    const made = await stores.authorities.update(id, wanted);
    if (made === null) throw noAuthority(id);
    const detail = { name: made.name, fields: Object.keys(wanted).join(', ') };
    await note(stores, caller, deps.clock(), 'authority.changed', {
      detail,
      states: auditStates(before, made),
    });
    return made;
  });
}

function remove(deps: ApiDeps, caller: Caller, id: number): Promise<void> {
  return deps.store.transaction(async (stores) => {
    const authority = await stores.authorities.get(id);
    if (authority === null || !(await stores.authorities.remove(id))) throw noAuthority(id);
    const detail = { name: authority.name, fingerprint: authority.fingerprint };
    await note(stores, caller, deps.clock(), 'authority.removed', {
      detail,
      states: auditStates(authority, null),
    });
  });
}

export function userAuthorityRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(listRoute, async (c) => {
    const request = pageRequest(c.req.valid('query'));
    const page = await deps.store.authorities.list(request);
    const certificate_authorities = page.rows.map(authorityView);
    const listed = { certificate_authorities, pagination: pagination(request, page) };
    return c.json(success(listed), 200);
  });

  api.openapi(getRoute, async (c) => {
    const { id } = c.req.valid('param');
    const authority = await deps.store.authorities.get(id);
    if (authority === null) throw noAuthority(id);
    return c.json(success(authorityView(authority)), 200);
  });

  api.openapi(createRoute, async (c) => {
    const asked = c.req.valid('json');
    const { name, principals, match_user_name: matchUserName } = asked;
    const key = authorityKey(deps.parsePublicKey, asked.key, 'key');
    const made = await create(deps, callerOf(c), { name, principals, matchUserName, ...key });
    return c.json(success(authorityView(made)), 201);
  });

  api.openapi(changeRoute, async (c) => {
    const { match_user_name: matchUserName, principals } = c.req.valid('json');
    const made = await change(deps, callerOf(c), c.req.valid('param').id, {
      ...(matchUserName !== undefined && { matchUserName }),
      ...(principals !== undefined && { principals }),
    });
    return c.json(success(authorityView(made)), 200);
  });

  api.openapi(removeRoute, async (c) => {
    await remove(deps, callerOf(c), c.req.valid('param').id);
    return c.json({ success: true as const, message: 'Certificate authority removed' }, 200);
  });
}
