import { z } from '@hono/zod-openapi';
import { type Api, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { json } from '../envelope.ts';
import { text } from '../fields.ts';
import { onePaging, pageRequest, pagination, paginationSchema, pagingFields } from '../paging.ts';
import { plainFailureSchema, plainRoute } from '../plain-failure.ts';
import {
  createContainerSession,
  findContainerSession,
  seenAction,
  seenStack,
  seenStacks,
  serviceOf,
} from '../stacks.ts';
import {
  actionSchema,
  actionView,
  awayView,
  containerSessionSchema,
  containerSessionView,
  engineAwaySchema,
  serviceSchema,
  serviceView,
  stackSchema,
  stackView,
} from '../views/stack.ts';

const stackId = text(200).min(1).openapi({ description: 'Name or uid of a stack' });
const params = z.object({ stack_id: stackId });
const name = text(200).optional();

export const sessionBody = z.strictObject({ service_name: name });

const NONE = json(plainFailureSchema, 'None that the caller may see');

const listRoute = plainRoute({
  method: 'get',
  path: '/v1/stacks',
  summary: 'The stacks that the caller may see, newest first',
  request: { query: z.strictObject(pagingFields).superRefine(onePaging) },
  responses: {
    200: json(z.object({ stacks: z.array(stackSchema), pagination: paginationSchema }), 'A page'),
  },
});

const getRoute = plainRoute({
  method: 'get',
  path: '/v1/stacks/{stack_id}',
  summary: 'One stack',
  request: { params },
  responses: { 200: json(stackSchema, 'The stack'), 404: NONE },
});

const servicesRoute = plainRoute({
  method: 'get',
  path: '/v1/stacks/{stack_id}/services',
  summary: 'Its services, as its container engine tells of them',
  request: { params },
  responses: {
    200: json(
      z.object({ services: z.array(serviceSchema), engine_away: engineAwaySchema }),
      'All of them',
    ),
    404: NONE,
  },
});

const serviceRoute = plainRoute({
  method: 'get',
  path: '/v1/stacks/{stack_id}/services/{name}',
  summary: 'One of them',
  request: { params: z.object({ stack_id: stackId, name: text(200) }) },
  responses: {
    200: json(serviceSchema.extend({ engine_away: engineAwaySchema }), 'The service'),
    404: NONE,
  },
});

const createRoute = plainRoute({
  method: 'post',
  path: '/v1/stacks/{stack_id}/sessions',
  summary: 'A session of a container of a service, made in the background',
  description:
    'Follow the action until it has completed; then fetch the session. It ends when nobody comes to it in time.',
  request: {
    params,
    query: z.strictObject({ service_name: name }),
    body: { required: false, content: { 'application/json': { schema: sessionBody } } },
  },
  responses: {
    200: json(actionSchema, 'The action that makes it'),
    400: json(plainFailureSchema, 'Why there is none'),
  },
});

const fetchRoute = plainRoute({
  method: 'get',
  path: '/v1/stacks/{stack_id}/sessions/fetch',
  summary: 'A session of a container: by its id, else the newest of a service',
  request: {
    params,
    query: z.strictObject({ session_id: text(40).optional(), service_name: name }),
  },
  responses: {
    200: json(containerSessionSchema, 'The session'),
    400: json(plainFailureSchema, 'Why there is none'),
  },
});

const actionRoute = plainRoute({
  method: 'get',
  path: '/v1/stacks/{stack_id}/actions/{id}',
  summary: 'What became of an action',
  request: { params: z.object({ stack_id: stackId, id: text(40) }) },
  responses: { 200: json(actionSchema, 'The action'), 404: NONE },
});

/** Container sessions as the Cloud 66 page has them: plain JSON, without an envelope. */
export function stackRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(listRoute, async (c) => {
    const request = pageRequest(c.req.valid('query'));
    const page = await seenStacks(deps, callerOf(c), request);
    const body = { stacks: page.rows.map(stackView), pagination: pagination(request, page) };
    return c.json(body, 200);
  });

  api.openapi(getRoute, async (c) => {
    const stack = await seenStack(deps, callerOf(c), c.req.valid('param').stack_id);
    return c.json(stackView(stack), 200);
  });

  api.openapi(servicesRoute, async (c) => {
    const stack = await seenStack(deps, callerOf(c), c.req.valid('param').stack_id);
    const { services, away } = await deps.services.of(stack);
    return c.json({ services: services.map(serviceView), engine_away: awayView(away) }, 200);
  });

  api.openapi(serviceRoute, async (c) => {
    const asked = c.req.valid('param');
    const stack = await seenStack(deps, callerOf(c), asked.stack_id);
    const { service, away } = await serviceOf(deps, stack, asked.name);
    return c.json({ ...serviceView(service), engine_away: awayView(away) }, 200);
  });

  api.openapi(createRoute, async (c) => {
    // Without a body there is nothing to be valid.
    const { service_name } = { ...c.req.valid('query'), ...c.req.valid('json') };
    const asked = { stack: c.req.valid('param').stack_id, service: service_name };
    const client = c.req.header('user-agent') ?? '';
    const { action } = await createContainerSession(deps, callerOf(c), { ...asked, client });
    return c.json(actionView(action), 200);
  });

  api.openapi(fetchRoute, async (c) => {
    const { session_id: sessionId, service_name: service } = c.req.valid('query');
    const stack = c.req.valid('param').stack_id;
    const found = await findContainerSession(deps, callerOf(c), { stack, sessionId, service });
    return c.json(containerSessionView(found), 200);
  });

  api.openapi(actionRoute, async (c) => {
    const asked = c.req.valid('param');
    const stack = await seenStack(deps, callerOf(c), asked.stack_id);
    return c.json(actionView(await seenAction(deps, callerOf(c), stack, asked.id)), 200);
  });
}
