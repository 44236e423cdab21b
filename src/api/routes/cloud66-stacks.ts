import { z } from '@hono/zod-openapi';
import { PosternError } from '../../domain/errors.ts';
import { printable } from '../../domain/log.ts';
import type { EngineAway, Stack } from '../../domain/stack.ts';
import { file, listed, NONE, page, serviceName, stackParams, wrapped } from '../cloud66-fields.ts';
import { type Api, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { json } from '../envelope.ts';
import { text } from '../fields.ts';
import { plainRoute } from '../plain-failure.ts';
import { seenStack, seenStacks, serviceOf } from '../stacks.ts';
import {
  CLOUD_ENVIRONMENT,
  cloudContainerSchema,
  cloudServiceSchema,
  cloudServiceView,
  cloudStackSchema,
  cloudStackView,
} from '../views/cloud66.ts';

/** Stacks of one page. */
const PAGE = 30;

/** Clients send those that nobody gave, too: empty ones keep nothing out. */
const filter = text(200).optional();

/** There are no servers: of any that is named there is nothing. */
const server_uid = text(200).optional();

const stacksRoute = plainRoute({
  method: 'get',
  path: '/api/3/stacks.json',
  summary: 'Stacks, for clients of Cloud 66',
  request: {
    query: z.strictObject({
      page,
      filter_name: filter.openapi({ description: 'Those whose names have this in them' }),
      filter_environment: filter,
      filter_git_repo: filter,
      filter_git_branch: filter,
    }),
  },
  responses: { 200: json(listed(cloudStackSchema), 'A page of stacks') },
});

const stackRoute = plainRoute({
  method: 'get',
  path: '/api/3/stacks/{uid_json}',
  summary: 'One stack, for clients of Cloud 66',
  request: { params: z.object({ uid_json: file }), query: z.strictObject({ page }) },
  responses: { 200: json(wrapped(cloudStackSchema), 'The stack'), 404: NONE },
});

const servicesRoute = plainRoute({
  method: 'get',
  path: '/api/3/stacks/{uid}/services.json',
  summary: 'Its services, for clients of Cloud 66',
  request: { params: stackParams, query: z.strictObject({ page, server_uid }) },
  responses: { 200: json(listed(cloudServiceSchema), 'All of them'), 404: NONE },
});

const serviceRoute = plainRoute({
  method: 'get',
  path: '/api/3/stacks/{uid}/services/{name_json}',
  summary: 'One of its services, for clients of Cloud 66',
  request: {
    params: stackParams.extend({ name_json: file }),
    // What a command would be wrapped in is not told: programs begin over SSH.
    query: z.strictObject({ page, server_uid, wrap_command: text(1000).optional() }),
  },
  responses: { 200: json(wrapped(cloudServiceSchema), 'The service'), 404: NONE },
});

const containersRoute = plainRoute({
  method: 'get',
  path: '/api/3/stacks/{uid}/containers.json',
  summary: 'Its running containers, for clients of Cloud 66',
  request: {
    params: stackParams,
    query: z.strictObject({ page, server_uid, service_name: serviceName }),
  },
  responses: { 200: json(listed(cloudContainerSchema), 'All of them'), 404: NONE },
});

const containerRoute = plainRoute({
  method: 'get',
  path: '/api/3/stacks/{uid}/containers/{container_json}',
  summary: 'One of its running containers, for clients of Cloud 66',
  request: {
    params: stackParams.extend({ container_json: file }),
    query: z.strictObject({ page }),
  },
  responses: { 200: json(wrapped(cloudContainerSchema), 'The container'), 404: NONE },
});

/** All of a list on one page. */
function whole<Row>(rows: readonly Row[]) {
  const pagination = { previous: null, next: null, current: 1 };
  return { response: [...rows], count: rows.length, pagination };
}

/** What of the wire form of Cloud 66 says which stacks, services and containers there are. */
export function cloud66StackRoutes(api: Api, deps: ApiDeps): void {
  stackRoutes(api, deps);
  serviceRoutes(api, deps);
  containerRoutes(api, deps);
}

function stackRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(stacksRoute, async (c) => {
    const asked = c.req.valid('query');
    if (isOfNone(asked)) return c.json(whole([]), 200);
    const current = asked.page ?? 1;
    const request = { limit: PAGE, page: current };
    const found = await seenStacks(deps, callerOf(c), request, asked.filter_name || undefined);
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
}

/** All are of one environment, and none is of a repository. */
function isOfNone(asked: {
  readonly filter_environment?: string | undefined;
  readonly filter_git_repo?: string | undefined;
  readonly filter_git_branch?: string | undefined;
}): boolean {
  const environment = asked.filter_environment?.toLowerCase() ?? '';
  return (
    !CLOUD_ENVIRONMENT.includes(environment) ||
    Boolean(asked.filter_git_repo) ||
    Boolean(asked.filter_git_branch)
  );
}

function serviceRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(servicesRoute, async (c) => {
    const stack = await seenStack(deps, callerOf(c), c.req.valid('param').uid);
    if (c.req.valid('query').server_uid) return c.json(whole([]), 200);
    const { services, away } = await deps.services.of(stack);
    sure(away);
    return c.json(whole(services.map(cloudServiceView)), 200);
  });

  api.openapi(serviceRoute, async (c) => {
    const { uid, name_json: name } = c.req.valid('param');
    const stack = await seenStack(deps, callerOf(c), uid);
    const { service, away } = await serviceOf(deps, stack, name);
    sure(away);
    return c.json({ response: cloudServiceView(service) }, 200);
  });
}

function containerRoutes(api: Api, deps: ApiDeps): void {
  const runningOf = async (stack: Stack) => {
    const { services, away } = await deps.services.of(stack);
    sure(away);
    return services.flatMap((service) => cloudServiceView(service).containers);
  };

  api.openapi(containersRoute, async (c) => {
    const stack = await seenStack(deps, callerOf(c), c.req.valid('param').uid);
    const { server_uid: server, service_name: name } = c.req.valid('query');
    if (server) return c.json(whole([]), 200);
    const all = await runningOf(stack);
    return c.json(whole(name ? all.filter((one) => one.service_name === name) : all), 200);
  });

  api.openapi(containerRoute, async (c) => {
    const { uid, container_json: id } = c.req.valid('param');
    const stack = await seenStack(deps, callerOf(c), uid);
    const response = (await runningOf(stack)).find((one) => one.uid === id);
    if (response === undefined) {
      throw new PosternError('thing.not_found', { kind: 'container', id: printable(id, 64) });
    }
    return c.json({ response }, 200);
  });
}

/** This wire form has no room for what is not known for sure. */
function sure(away: EngineAway | null): void {
  if (away !== null) throw new PosternError('engine.unreachable', { reason: away.reason });
}
