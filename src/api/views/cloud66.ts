import { z } from '@hono/zod-openapi';
import type { Container, ContainerHealth } from '../../domain/container-engine.ts';
import type { StackAction } from '../../domain/container-session.ts';
import type { Service, Stack } from '../../domain/stack.ts';
import { isoTime, isoTimeOrNull, outTime } from '../fields.ts';
import type { Found } from '../stacks.ts';
import { containerSessionSchema, containerSessionView } from './stack.ts';

/** What clients of Cloud 66 read as "deployed successfully", and as healthy. */
const DEPLOYED = 1;
const HEALTHY = 3;

/** What all stacks are. */
export const CLOUD_ENVIRONMENT = 'production';

/** As clients number them: not verified yet, up, down, not checked. */
const HEALTHS: Readonly<Record<ContainerHealth, number>> = {
  ...{ starting: 0, healthy: 1, unhealthy: 2, none: 3 },
};

/** What clients read that has no meaning here. */
const EMPTY = z.literal('');

export const cloudStackSchema = z
  .object({
    uid: z.string(),
    name: z.string(),
    environment: z.string(),
    ...{ git: EMPTY, git_branch: EMPTY, cluster_name: EMPTY },
    namespaces: z.array(EMPTY).openapi({ description: 'Exactly one, for clients take the first' }),
    is_cluster: z.literal(false),
    framework: z.string(),
    language: z.string(),
    cloud: z.string(),
    fqdn: z.string(),
    backend: z.string(),
    status: z.int(),
    health: z.int(),
    created_at_iso: outTime,
    updated_at_iso: outTime,
  })
  .openapi('Cloud66Stack');

export const cloudContainerSchema = z
  .object({
    uid: z.string(),
    name: z.string(),
    service_name: z.string(),
    server_uid: z.string(),
    server_name: z.string(),
    image: z.string(),
    command: z.string(),
    ports: z.array(z.object({ container: z.int(), http: z.int(), https: z.int() })).length(0),
    ...{ private_ip: EMPTY, docker_ip: EMPTY },
    health_state: z.int().min(0).max(3).openapi({
      description: '0: starting, 1: healthy, 2: unhealthy, 3: it has no check',
    }),
    ...{ health_message: z.string(), health_source: EMPTY },
    ...{ started_at: outTime, created_at: outTime, updated_at: outTime },
  })
  .openapi('Cloud66Container');

export const cloudServiceSchema = z
  .object({
    name: z.string(),
    source_type: z.string(),
    git_ref: z.string(),
    image_name: z.string(),
    ...{ image_uid: EMPTY, image_tag: EMPTY },
    command: z.string(),
    ...{ build_command: EMPTY, deploy_command: EMPTY, wrap_command: EMPTY },
    desired_count: z.int(),
    containers: z.array(cloudContainerSchema),
  })
  .openapi('Cloud66Service');

export const asyncResultSchema = z
  .object({
    id: z.int(),
    user: z.string(),
    resource_type: z.literal('stack'),
    resource_id: z.string(),
    action: z.literal('create_session'),
    started_via: z.literal('api'),
    started_at: outTime,
    finished_at: outTime.nullable(),
    finished_success: z.boolean().nullable(),
    finished_message: z.string().nullable(),
  })
  .openapi('Cloud66AsyncResult');

export const cloudSessionSchema = containerSessionSchema
  .extend({
    uid: z.string(),
    title: z.string(),
    command: z.string().openapi({ description: 'The ssh line, as it is to be typed' }),
    namespace: z.string(),
    deployment_name: z.string(),
    pod_name: z.string(),
  })
  .openapi('Cloud66Session');

export function cloudStackView(stack: Stack): z.infer<typeof cloudStackSchema> {
  return {
    uid: stack.uid,
    name: stack.name,
    environment: CLOUD_ENVIRONMENT,
    ...{ git: '', git_branch: '', cluster_name: '', namespaces: [''], is_cluster: false },
    framework: stack.kind === 'container' ? 'docker' : 'server',
    ...{ language: '', cloud: '', fqdn: '' },
    backend: stack.kind === 'container' ? 'docker' : '',
    status: DEPLOYED,
    health: HEALTHY,
    created_at_iso: isoTime(stack.createdAt),
    updated_at_iso: isoTime(stack.updatedAt),
  };
}

export function cloudContainerView(
  container: Container,
  service: string,
): z.infer<typeof cloudContainerSchema> {
  const since = isoTime(container.createdAt);
  return {
    uid: container.id,
    name: container.name,
    service_name: service,
    ...{ server_uid: '', server_name: '', command: '' },
    image: container.image,
    ...{ ports: [], private_ip: '', docker_ip: '' },
    health_state: HEALTHS[container.health],
    ...{ health_message: container.health, health_source: '' },
    ...{ started_at: since, created_at: since, updated_at: since },
  };
}

export function cloudServiceView(service: Service): z.infer<typeof cloudServiceSchema> {
  const running = service.containers.filter(({ state }) => state === 'running');
  return {
    name: service.name,
    source_type: 'image',
    ...{ git_ref: '', image_uid: '', image_tag: '' },
    ...{ command: '', build_command: '', deploy_command: '', wrap_command: '' },
    image_name: running[0]?.image ?? service.containers[0]?.image ?? '',
    desired_count: service.containers.length,
    containers: running.map((container) => cloudContainerView(container, service.name)),
  };
}

export function asyncResultView(
  action: StackAction,
  stack: Stack,
): z.infer<typeof asyncResultSchema> {
  const isOver = action.finishedAt !== null;
  return {
    id: action.id,
    user: action.userName,
    resource_type: 'stack',
    resource_id: stack.uid,
    action: action.action,
    started_via: 'api',
    started_at: isoTime(action.startedAt),
    finished_at: isoTimeOrNull(action.finishedAt),
    finished_success: isOver ? action.status === 'completed' : null,
    finished_message: isOver ? action.message : null,
  };
}

/** IPv6 addresses and names alike are one word of a shell. */
export function cloudSessionView(found: Found): z.infer<typeof cloudSessionSchema> {
  const { session, stack, host, port, userName } = found;
  return {
    ...containerSessionView(found),
    uid: String(session.session.id),
    title: `${session.service} of ${stack.name}`,
    command: `ssh -p ${port} ${userName}@${host}`,
    ...{ namespace: '', deployment_name: '', pod_name: '' },
  };
}
