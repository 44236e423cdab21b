import { z } from '@hono/zod-openapi';
import { APPROVAL_STATUSES, type Verdict } from '../../domain/approval.ts';
import { formatId } from '../../domain/ids.ts';
import { SESSION_KINDS } from '../../domain/session.ts';
import { decideApproval, listApprovals, type SeenApproval, seenApproval } from '../approvals.ts';
import { type Api, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, failureSchema, json, success } from '../envelope.ts';
import { idOf, isoTime, isoTimeOrNull, outId, outTime, text } from '../fields.ts';
import { guarded } from '../guard.ts';
import { onePaging, pageRequest, pagination, paginationSchema, pagingFields } from '../paging.ts';

const params = z.object({ id: idOf('apr') });

const query = z
  .strictObject({
    status: z
      .enum([...APPROVAL_STATUSES, 'all'])
      .default('pending')
      .openapi({ description: 'Without it: pending' }),
    ...pagingFields,
  })
  .superRefine(onePaging);

const verdictBody = z.strictObject({ reason: text(500).optional() });

const approvalSchema = z
  .object({
    id: outId('apr'),
    user: z.object({ id: outId('usr').nullable(), name: z.string() }),
    machine: z.object({ id: outId('mch').nullable(), name: z.string() }),
    login: z.string(),
    kind: z
      .enum(SESSION_KINDS)
      .openapi({ description: 'What the session begins with; the approval is for the session' }),
    grant_id: outId('grt'),
    by: z.string().openapi({ example: 'group leads' }),
    status: z.enum(APPROVAL_STATUSES),
    ip_address: z.string(),
    asked_at: outTime,
    expires_at: outTime,
    closed_at: outTime.nullable(),
    decided_by: z.string().nullable(),
    reason: z.string(),
    may_decide: z.boolean().openapi({ description: 'Whether it waits for the caller' }),
  })
  .openapi('Approval');

const one = json(enveloped(approvalSchema), 'The request');

const listRoute = guarded('sessions:read', {
  method: 'get',
  path: '/v1/approvals',
  summary: 'Requests for approval, newest first: those of the caller, and those to decide on',
  request: { query },
  responses: {
    200: json(
      enveloped(z.object({ approvals: z.array(approvalSchema), pagination: paginationSchema })),
      'A page of requests',
    ),
  },
});

const getRoute = guarded('sessions:read', {
  method: 'get',
  path: '/v1/approvals/{id}',
  summary: 'One request for approval',
  request: { params },
  responses: { 200: one },
});

function verdictRoute<P extends string>(path: P, summary: string) {
  return guarded('sessions:write', {
    method: 'post',
    path,
    summary,
    request: {
      params,
      body: { required: false, content: { 'application/json': { schema: verdictBody } } },
    },
    responses: { 200: one, 409: json(failureSchema, 'It is not open any more') },
  });
}

const approveRoute = verdictRoute(
  '/v1/approvals/{id}/approve',
  'Lets the session begin that waits; for those whom the grant names, never for who asked',
);

const denyRoute = verdictRoute(
  '/v1/approvals/{id}/deny',
  'Refuses the session that waits; who asked reads the reason',
);

function approvalView({ approval, status, mayDecide }: SeenApproval) {
  const { userId, machineId } = approval;
  return {
    id: formatId('apr', approval.id),
    user: { id: userId === null ? null : formatId('usr', userId), name: approval.userName },
    machine: {
      id: machineId === null ? null : formatId('mch', machineId),
      name: approval.machineName,
    },
    login: approval.login,
    kind: approval.kind,
    grant_id: formatId('grt', approval.grantId),
    by: approval.byName,
    status,
    ip_address: approval.source,
    asked_at: isoTime(approval.askedAt),
    expires_at: isoTime(approval.expiresAt),
    closed_at: isoTimeOrNull(approval.closedAt),
    decided_by: approval.decidedBy,
    reason: approval.reason,
    may_decide: mayDecide,
  };
}

export function approvalRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(listRoute, async (c) => {
    const asked = c.req.valid('query');
    const request = pageRequest(asked);
    const statuses = asked.status === 'all' ? null : [asked.status];
    const page = await listApprovals(deps, callerOf(c), statuses, request);
    const approvals = page.rows.map(approvalView);
    return c.json(success({ approvals, pagination: pagination(request, page) }), 200);
  });

  api.openapi(getRoute, async (c) => {
    const seen = await seenApproval(deps, callerOf(c), c.req.valid('param').id);
    return c.json(success(approvalView(seen)), 200);
  });

  const decides: readonly (readonly [typeof approveRoute | typeof denyRoute, Verdict])[] = [
    [approveRoute, 'approved'],
    [denyRoute, 'denied'],
  ];
  for (const [route, verdict] of decides) {
    api.openapi(route, async (c) => {
      const { id } = c.req.valid('param');
      const { reason = '' } = c.req.valid('json');
      const decided = await decideApproval(deps, callerOf(c), { id, verdict, reason });
      return c.json(success(approvalView(decided)), 200);
    });
  }
}
