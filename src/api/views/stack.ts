import { z } from '@hono/zod-openapi';
import {
  CONTAINER_HEALTHS,
  CONTAINER_STATES,
  type Container,
} from '../../domain/container-engine.ts';
import { ACTION_STATUSES, type StackAction } from '../../domain/container-session.ts';
import { OVER_LIMIT_POLICIES } from '../../domain/place.ts';
import { SESSION_STATUSES } from '../../domain/session.ts';
import {
  type EngineAway,
  numbered,
  type Service,
  STACK_KINDS,
  type Stack,
} from '../../domain/stack.ts';
import { isoTime, isoTimeOrNull, outTime } from '../fields.ts';
import type { Found } from '../stacks.ts';

export const stackSchema = z
  .object({
    id: z.int(),
    uid: z.string(),
    name: z.string(),
    kind: z.enum(STACK_KINDS),
    session_limit: z.int().openapi({ description: 'Live sessions of one service' }),
    over_limit: z.enum(OVER_LIMIT_POLICIES),
    created_at: outTime,
    updated_at: outTime,
  })
  .openapi('Stack');

const containerSchema = z.object({
  id: z.string(),
  name: z.string(),
  image: z.string(),
  state: z.enum(CONTAINER_STATES),
  health: z.enum(CONTAINER_HEALTHS),
  created_at: outTime,
  index: z
    .int()
    .nullable()
    .openapi({ description: 'For ssh USER+STACK.SERVICE.INDEX@BASTION; null: it does not run' }),
});

export const serviceSchema = z
  .object({
    name: z.string(),
    status: z.enum(['running', 'stopped']),
    containers: z.array(containerSchema),
  })
  .openapi('Service');

export const engineAwaySchema = z
  .object({ reason: z.string(), since: outTime })
  .nullable()
  .openapi({
    description:
      'Why, and since when, the engine does not answer: all is as it was last heard; null: it does',
  });

export const actionSchema = z
  .object({
    id: z.int(),
    user_id: z.int().nullable(),
    resource_type: z.literal('stack'),
    action: z.literal('create_session'),
    status: z.enum(ACTION_STATUSES),
    started_at: outTime,
    finished_at: outTime.nullable(),
    created_at: outTime,
    updated_at: outTime,
    session_id: z.int().optional().openapi({ description: 'What it made, once it has completed' }),
    error: z.string().optional().openapi({ description: 'Why it has failed' }),
  })
  .openapi('AsyncAction');

export const connectionSchema = z.object({
  host: z.string(),
  port: z.int(),
  username: z.string().openapi({ description: 'Good for this session alone' }),
  password: z.string().optional().openapi({
    description:
      'Good once; of an owner without a key, unless they sign in with certificates alone',
  }),
});

export const containerSessionSchema = z
  .object({
    id: z.int(),
    service_name: z.string(),
    container_name: z.string(),
    status: z.enum(SESSION_STATUSES),
    connection_info: connectionSchema,
    created_at: outTime,
    updated_at: outTime,
  })
  .openapi('ContainerSession');

export function stackView(stack: Stack): z.infer<typeof stackSchema> {
  return {
    id: stack.id,
    uid: stack.uid,
    name: stack.name,
    kind: stack.kind,
    session_limit: stack.sessionLimit,
    over_limit: stack.overLimit,
    created_at: isoTime(stack.createdAt),
    updated_at: isoTime(stack.updatedAt),
  };
}

function containerView(
  container: Container,
  index: number | undefined,
): z.infer<typeof containerSchema> {
  const { id, name, image, state, health } = container;
  return {
    ...{ id, name, image, state, health },
    created_at: isoTime(container.createdAt),
    index: index ?? null,
  };
}

export function serviceView(service: Service): z.infer<typeof serviceSchema> {
  const { name, containers } = service;
  const numbers = new Map([...numbered(containers)].map(([index, one]) => [one.id, index]));
  return {
    name,
    status: numbers.size > 0 ? 'running' : 'stopped',
    containers: containers.map((one) => containerView(one, numbers.get(one.id))),
  };
}

export function awayView(away: EngineAway | null): z.infer<typeof engineAwaySchema> {
  return away === null ? null : { reason: away.reason, since: isoTime(away.since) };
}

export function actionView(action: StackAction): z.infer<typeof actionSchema> {
  const { id, status, sessionId } = action;
  return {
    id,
    user_id: action.userId,
    resource_type: 'stack',
    action: action.action,
    status,
    started_at: isoTime(action.startedAt),
    finished_at: isoTimeOrNull(action.finishedAt),
    created_at: isoTime(action.startedAt),
    updated_at: isoTime(action.updatedAt),
    ...(status === 'completed' && sessionId !== null && { session_id: sessionId }),
    ...(status === 'failed' && { error: action.message ?? '' }),
  };
}

export function containerSessionView(found: Found): z.infer<typeof containerSessionSchema> {
  const { session, host, port, userName, password } = found;
  const { id, status, startedAt, lastActivity, endedAt } = session.session;
  return {
    id,
    service_name: session.service,
    container_name: session.containerName,
    status,
    connection_info: {
      ...{ host, port, username: userName },
      ...(password !== null && { password: password.expose() }),
    },
    created_at: isoTime(startedAt),
    updated_at: isoTime(endedAt ?? lastActivity),
  };
}
