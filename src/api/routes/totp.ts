import { z } from '@hono/zod-openapi';
import { auditStates } from '../../domain/audit-state.ts';
import { type Api, type Caller, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { json, messageOnly } from '../envelope.ts';
import { idOf } from '../fields.ts';
import { guarded } from '../guard.ts';
import { note } from '../journal.ts';
import { mayTouch, noUser } from '../user-access.ts';

const resetRoute = guarded('users:write', {
  method: 'delete',
  path: '/v1/users/{id}/totp',
  summary: 'Takes the second factor and the recovery codes of a user away',
  request: { params: z.object({ id: idOf('usr') }) },
  responses: { 200: json(messageOnly, 'The user has none any more') },
});

function reset(deps: ApiDeps, caller: Caller, id: number): Promise<void> {
  return deps.store.transaction(async (stores) => {
    const user = await stores.users.get(id);
    if (user === null) throw noUser(id);
    mayTouch(caller, [user.role]);
    if (!(await stores.factors.reset(id))) return;
    await note(stores, caller, deps.clock(), 'totp.reset', {
      ...{ userId: id, detail: { name: user.name } },
      states: auditStates({ secondFactor: true }, { secondFactor: false }),
    });
  });
}

export function totpRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(resetRoute, async (c) => {
    await reset(deps, callerOf(c), c.req.valid('param').id);
    return c.json({ success: true as const, message: 'Second factor removed' }, 200);
  });
}
