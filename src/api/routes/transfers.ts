import { z } from '@hono/zod-openapi';
import { type Api, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, json, success } from '../envelope.ts';
import { idOf } from '../fields.ts';
import { guarded } from '../guard.ts';
import { onePaging, pageRequest, pagination, paginationSchema, pagingFields } from '../paging.ts';
import { shownText } from '../shown-text.ts';
import { seenSession } from '../terminate.ts';
import { transferSchema, transferView } from '../views/transfer.ts';

const listRoute = guarded('sessions:read', {
  method: 'get',
  path: '/v1/sessions/{id}/transfers',
  summary: 'What a session did with files over SFTP, scp and rsync, newest first',
  request: {
    params: z.object({ id: idOf('sess') }),
    query: z.strictObject(pagingFields).superRefine(onePaging),
  },
  responses: {
    200: json(
      enveloped(z.object({ transfers: z.array(transferSchema), pagination: paginationSchema })),
      'A page of transfers',
    ),
  },
});

export function transferRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(listRoute, async (c) => {
    const caller = callerOf(c);
    const session = await seenSession(deps, caller, c.req.valid('param').id);
    const request = pageRequest(c.req.valid('query'));
    const page = await deps.store.transfers.list(session.id, request);
    const shown = (text: string) => shownText(deps, caller, text);
    const transfers = page.rows.map((one) => transferView(one, shown));
    return c.json(success({ transfers, pagination: pagination(request, page) }), 200);
  });
}
