import { z } from '@hono/zod-openapi';
import { file, NONE, page, serviceName, stackParams, WHY, wrapped } from '../cloud66-fields.ts';
import { type Api, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { json } from '../envelope.ts';
import { text } from '../fields.ts';
import { plainRoute } from '../plain-failure.ts';
import { createContainerSession, findContainerSession, seenAction, seenStack } from '../stacks.ts';
import {
  asyncResultSchema,
  asyncResultView,
  cloudSessionSchema,
  cloudSessionView,
} from '../views/cloud66.ts';
import { sessionBody } from './stacks.ts';

const createRoute = plainRoute({
  method: 'post',
  path: '/api/3/stacks/{uid}/sessions.json',
  summary: 'A session of a container, for clients of Cloud 66',
  request: {
    params: stackParams,
    query: z.strictObject({ page, service_name: serviceName }),
    body: { required: false, content: { 'application/json': { schema: sessionBody } } },
  },
  responses: { 200: json(wrapped(asyncResultSchema), 'The action that makes it'), 400: WHY },
});

const fetchRoute = plainRoute({
  method: 'get',
  path: '/api/3/stacks/{uid}/sessions/fetch.json',
  summary: 'A session of a container, for clients of Cloud 66',
  request: {
    params: stackParams,
    query: z.strictObject({ page, session_id: text(40).optional(), service_name: serviceName }),
  },
  responses: { 200: json(wrapped(cloudSessionSchema), 'The session'), 400: WHY },
});

const actionRoute = plainRoute({
  method: 'get',
  path: '/api/3/stacks/{uid}/actions/{id_json}',
  summary: 'What became of an action, for clients of Cloud 66',
  request: { params: stackParams.extend({ id_json: file }), query: z.strictObject({ page }) },
  responses: { 200: json(wrapped(asyncResultSchema), 'The action'), 404: NONE },
});

/** The wire form of Cloud 66 (spec/api.md), over the same sessions. */
export function cloud66SessionRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(createRoute, async (c) => {
    const { service_name: service } = { ...c.req.valid('query'), ...c.req.valid('json') };
    const client = c.req.header('user-agent') ?? '';
    const asked = { stack: c.req.valid('param').uid, service, client };
    const { stack, action } = await createContainerSession(deps, callerOf(c), asked);
    return c.json({ response: asyncResultView(action, stack) }, 200);
  });

  api.openapi(fetchRoute, async (c) => {
    const { session_id: sessionId, service_name: service } = c.req.valid('query');
    const stack = c.req.valid('param').uid;
    const found = await findContainerSession(deps, callerOf(c), { stack, sessionId, service });
    return c.json({ response: cloudSessionView(found) }, 200);
  });

  api.openapi(actionRoute, async (c) => {
    const asked = c.req.valid('param');
    const stack = await seenStack(deps, callerOf(c), asked.uid);
    const action = await seenAction(deps, callerOf(c), stack, asked.id_json);
    return c.json({ response: asyncResultView(action, stack) }, 200);
  });
}
