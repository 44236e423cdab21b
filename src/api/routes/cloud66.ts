import { z } from '@hono/zod-openapi';
import { PosternError } from '../../domain/errors.ts';
import type { Service, Stack } from '../../domain/stack.ts';
import { type Api, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { json } from '../envelope.ts';
import { text } from '../fields.ts';
import { wholeNumber } from '../paging.ts';
import { plainFailureSchema, plainRoute } from '../plain-failure.ts';
import {
  createContainerSession,
  findContainerSession,
  seenAction,
  seenStack,
  seenStacks,
} from '../stacks.ts';
import {
  asyncResultSchema,
  asyncResultView,
  cloudContainerSchema,
  cloudServiceSchema,
  cloudServiceView,
  cloudSessionSchema,
  cloudSessionView,
  cloudStackSchema,
  cloudStackView,
  paginationSchema,
} from '../views/cloud66.ts';
import { sessionBody } from './stacks.ts';

/** Stacks of one page. */
const PAGE = 30;

const uid = text(200).min(1).openapi({ description: 'Uid or name of a stack' });
const params = z.object({ uid });
/** The last part of a path, with the type that belongs to it; without it, once it is read. */
const file = text(205)
  .refine((name) => name.endsWith('.json'), 'must end in .json')
  .transform((name) => name.slice(0, -'.json'.length))
  .openapi({ type: 'string', description: 'With .json at its end', example: 'shop.json' });
const page = wholeNumber(1, 1_000_000).optional();
const name = text(200).optional();
/** Clients send the page with everything. */
const query = z.strictObject({ page });

function wrapped<T extends z.ZodType>(response: T) {
  return z.object({ response });
}

function listed<T extends z.ZodType>(row: T) {
  return z.object({
    response: z.array(row),
    count: z.int(),
    pagination: paginationSchema,
  });
}

const NONE = json(plainFailureSchema, 'None that the caller may see');
const WHY = json(plainFailureSchema, 'Why there is none');

const stacksRoute = plainRoute({
  method: 'get',
  path: '/api/3/stacks.json',
  summary: 'Stacks, for clients of Cloud 66',
  request: { query },
  responses: { 200: json(listed(cloudStackSchema), 'A page of stacks') },
});

const stackRoute = plainRoute({
  method: 'get',
  path: '/api/3/stacks/{uid_json}',
  summary: 'One stack, for clients of Cloud 66',
  request: { params: z.object({ uid_json: file }), query },
  responses: { 200: json(wrapped(cloudStackSchema), 'The stack'), 404: NONE },
});

const servicesRoute = plainRoute({
  method: 'get',
  path: '/api/3/stacks/{uid}/services.json',
  summary: 'Its services, for clients of Cloud 66',
  request: { params, query },
  responses: { 200: json(listed(cloudServiceSchema), 'All of them'), 404: NONE },
});

const containersRoute = plainRoute({
  method: 'get',
  path: '/api/3/stacks/{uid}/containers.json',
  summary: 'Its running containers, for clients of Cloud 66',
  request: { params, query },
  responses: { 200: json(listed(cloudContainerSchema), 'All of them'), 404: NONE },
});

const createRoute = plainRoute({
  method: 'post',
  path: '/api/3/stacks/{uid}/sessions.json',
  summary: 'A session of a container, for clients of Cloud 66',
  request: {
    params,
    query: z.strictObject({ page, service_name: name }),
    body: { required: false, content: { 'application/json': { schema: sessionBody } } },
  },
  responses: { 200: json(wrapped(asyncResultSchema), 'The action that makes it'), 400: WHY },
});

const fetchRoute = plainRoute({
  method: 'get',
  path: '/api/3/stacks/{uid}/sessions/fetch.json',
  summary: 'A session of a container, for clients of Cloud 66',
  request: {
    params,
    query: z.strictObject({ page, session_id: text(40).optional(), service_name: name }),
  },
  responses: { 200: json(wrapped(cloudSessionSchema), 'The session'), 400: WHY },
});

const actionRoute = plainRoute({
  method: 'get',
  path: '/api/3/stacks/{uid}/actions/{id_json}',
  summary: 'What became of an action, for clients of Cloud 66',
  request: { params: z.object({ uid, id_json: file }), query },
  responses: { 200: json(wrapped(asyncResultSchema), 'The action'), 404: NONE },
});

/** All of a list on one page. */
function whole<Row>(rows: readonly Row[]) {
  const pagination = { previous: null, next: null, current: 1 };
  return { response: [...rows], count: rows.length, pagination };
}

/** The wire form of Cloud 66 (spec/api.md), over the same sessions. */
export function cloud66Routes(api: Api, deps: ApiDeps): void {
  listRoutes(api, deps);
  sessionRoutes(api, deps);
}

function listRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(stacksRoute, async (c) => {
    const current = c.req.valid('query').page ?? 1;
    const found = await seenStacks(deps, callerOf(c), { limit: PAGE, page: current });
    const pagination = {
      previous: current > 1 ? current - 1 : null,
      next: found.next === null ? null : current + 1,
      current,
    };
    const response = found.rows.map(cloudStackView);
    return c.json({ response, count: found.total ?? response.length, pagination }, 200);
  });

  api.openapi(stackRoute, async (c) => {
    const stack = await seenStack(deps, callerOf(c), c.req.valid('param').uid_json);
    return c.json({ response: cloudStackView(stack) }, 200);
  });

  api.openapi(servicesRoute, async (c) => {
    const stack = await seenStack(deps, callerOf(c), c.req.valid('param').uid);
    const services = await answered(deps, stack);
    return c.json(whole(services.map(cloudServiceView)), 200);
  });

  api.openapi(containersRoute, async (c) => {
    const stack = await seenStack(deps, callerOf(c), c.req.valid('param').uid);
    const services = await answered(deps, stack);
    const containers = services.flatMap((service) => cloudServiceView(service).containers);
    return c.json(whole(containers), 200);
  });
}

/** This wire form has no room for what is not known for sure. */
async function answered(deps: ApiDeps, stack: Stack): Promise<readonly Service[]> {
  const { services, away } = await deps.services.of(stack);
  if (away === null) return services;
  throw new PosternError('engine.unreachable', { reason: away.reason });
}

function sessionRoutes(api: Api, deps: ApiDeps): void {
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
