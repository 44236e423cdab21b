import { z } from '@hono/zod-openapi';
import { formatId } from '../../domain/ids.ts';
import { ROLES, SCOPES } from '../../domain/role.ts';
import { type Api, callerOf } from '../context.ts';
import { enveloped, json, success } from '../envelope.ts';
import { isoTimeOrNull, outId, outTime } from '../fields.ts';
import { guarded } from '../guard.ts';

const meSchema = z
  .object({
    user: z.object({ id: outId('usr'), name: z.string(), role: z.enum(ROLES) }).nullable(),
    token: z.object({ id: outId('tok'), name: z.string(), expires_at: outTime.nullable() }),
    scopes: z.array(z.enum(SCOPES)),
  })
  .openapi('Me');

const meRoute = guarded('signed-in', {
  method: 'get',
  path: '/v1/auth/me',
  summary: 'Whose token this is and what it may do; user is null for a token that is nobody’s',
  responses: { 200: json(enveloped(meSchema), 'The caller') },
});

export function meRoutes(api: Api): void {
  api.openapi(meRoute, (c) => {
    const { viewer } = callerOf(c);
    const { userId, name, role, token, scopes } = viewer;
    const user =
      userId === null || role === null ? null : { id: formatId('usr', userId), name, role };
    const shown = {
      id: formatId('tok', token.id),
      name: token.name,
      expires_at: isoTimeOrNull(token.expiresAt),
    };
    return c.json(success({ user, token: shown, scopes: [...scopes] }), 200);
  });
}
