import { z } from '@hono/zod-openapi';
import {
  CONTAINER_RULE,
  type ContainerChoice,
  type ContainerPlace,
  containerText,
  isContainerName,
  isShell,
  MOST_SHELLS,
} from '../domain/container-place.ts';
import { enginePlace } from '../domain/engine-address.ts';
import { PosternError } from '../domain/errors.ts';
import type { Machine, MachineCredential, NewMachine } from '../domain/machine.ts';
import { podText } from '../domain/pod-place.ts';
import type { ParsePublicKey } from '../domain/user.ts';
import type { AskedReach, ReachNames } from './asked-reach.ts';
import { refuse } from './errors.ts';
import { given } from './fields.ts';
import { pinnedKey } from './machine-fields.ts';
import { changedPodPlace, podPlaceOf } from './pod-reach.ts';

export const engineField = z
  .string()
  .max(500)
  .superRefine((address, context) => {
    const message = engineProblem(address);
    if (message !== null) context.addIssue({ code: 'custom', message });
  })
  .openapi({
    description: 'Where the container engine listens: unix:///PATH, or tcp://HOST:PORT with TLS',
    example: 'unix:///var/run/docker.sock',
  });

function engineProblem(address: string): string | null {
  try {
    enginePlace(address);
    return null;
  } catch (error) {
    if (error instanceof PosternError) return String(error.params['reason']);
    throw error;
  }
}

const containerName = z.string().refine(isContainerName, `must be ${CONTAINER_RULE}`);

export const containerField = z
  .union([containerName, z.strictObject({ stack: containerName, service: containerName })], {
    error: `must be the name or id of a container (${CONTAINER_RULE}), or {"stack": …, "service": …}`,
  })
  .openapi({ description: 'The container: its name or id, or the stack and service it is of' });

export const shellField = z
  .array(z.string().refine(isShell, 'is neither an absolute path nor the name of a shell'))
  .max(MOST_SHELLS)
  .openapi({ description: 'Shells, in the order in which they are tried; then bash and sh' });

type Reach = Pick<
  NewMachine,
  | 'kind'
  | 'host'
  | 'port'
  | 'hostKey'
  | 'hostKeyPolicy'
  | 'algorithms'
  | 'jump'
  | 'container'
  | 'pod'
>;

/** What has no host key and no port. */
const OF_CONTAINERS: Omit<Reach, 'kind' | 'host'> = {
  ...{ port: 0, jump: null, hostKey: null },
  ...{ hostKeyPolicy: 'accept-new', algorithms: 'modern' },
};

const OWN = {
  ssh: ['host', 'port', 'auth', 'jump', 'hostKey', 'hostKeyPolicy', 'algorithms'],
  docker: ['engine', 'container', 'shell'],
  kubernetes: ['cluster', 'namespace', 'pod', 'selector', 'container', 'shell'],
} as const;

/** Throws `request.invalid` where fields do not belong to the kind. */
function keepToKind(asked: AskedReach, names: ReachNames): void {
  const own: readonly string[] = OWN[asked.kind];
  for (const key of Object.values(OWN).flat()) {
    if (own.includes(key) || asked[key] === undefined || asked[key] === null) continue;
    refuse(nameOf(key, names), `is nothing that a machine of kind ${asked.kind} has`);
  }
}

function nameOf(key: keyof AskedReach, { before, jump }: ReachNames): string {
  const plain: Partial<Record<keyof AskedReach, string>> = {
    hostKey: 'host_key',
    hostKeyPolicy: 'host_key_policy',
    jump,
  };
  return before + (plain[key] ?? key);
}

function needed<T>(value: T | null | undefined, key: keyof AskedReach, names: ReachNames): T {
  return value ?? refuse(nameOf(key, names), 'is missing');
}

/** Of a machine as a whole. Throws `request.invalid`. */
export function reachOf(asked: AskedReach, names: ReachNames, parse: ParsePublicKey): Reach {
  keepToKind(asked, names);
  if (asked.kind === 'docker') {
    const choice = choiceOf(needed(asked.container, 'container', names));
    const engine = needed(asked.engine, 'engine', names);
    const container = { engine, choice, shell: asked.shell ?? [] };
    return { kind: 'docker', host: containerText(choice), ...OF_CONTAINERS, container, pod: null };
  }
  if (asked.kind === 'kubernetes') {
    const pod = podPlaceOf(asked, names);
    return { kind: 'kubernetes', host: podText(pod), ...OF_CONTAINERS, container: null, pod };
  }
  // What is wrong is told before what is missing.
  const hostKey = pinnedKey(parse, asked.hostKey ?? null, nameOf('hostKey', names));
  return {
    kind: 'ssh',
    host: needed(asked.host, 'host', names),
    port: asked.port ?? 22,
    jump: asked.jump ?? null,
    hostKey,
    hostKeyPolicy: asked.hostKeyPolicy ?? 'accept-new',
    algorithms: asked.algorithms ?? 'modern',
    container: null,
    pod: null,
  };
}

/** What it logs in with; of containers nothing is asked. Throws `request.invalid`. */
export function credentialOf(asked: AskedReach, names: ReachNames): MachineCredential {
  return asked.kind === 'ssh' ? needed(asked.auth, 'auth', names) : { type: 'none' };
}

/** Of a machine that is there, only what was given. Throws `request.invalid`. */
export function changedReach(
  machine: Machine,
  asked: AskedReach,
  names: ReachNames,
  parse: ParsePublicKey,
): Partial<NewMachine> {
  if (asked.kind !== machine.kind) refuse(nameOf('kind', names), 'cannot be changed');
  keepToKind(asked, names);
  const { hostKey } = asked;
  const place = changedPlace(machine.container, asked);
  const pod = changedPodPlace(machine.pod, asked, names);
  const host = place === undefined ? asked.host : containerText(place.choice);
  return given({
    host: pod === undefined ? host : podText(pod),
    port: asked.port,
    credential: asked.auth,
    jump: asked.jump,
    hostKey:
      hostKey === undefined ? undefined : pinnedKey(parse, hostKey, nameOf('hostKey', names)),
    hostKeyPolicy: asked.hostKeyPolicy,
    algorithms: asked.algorithms,
    container: place,
    pod,
  });
}

function changedPlace(
  before: ContainerPlace | null,
  { engine, container, shell }: AskedReach,
): ContainerPlace | undefined {
  if (before === null) return undefined;
  if (engine === undefined && container === undefined && shell === undefined) return undefined;
  return {
    engine: engine ?? before.engine,
    choice: container ? choiceOf(container) : before.choice,
    shell: shell ?? before.shell,
  };
}

function choiceOf(container: NonNullable<AskedReach['container']>): ContainerChoice {
  return typeof container === 'string' ? { name: container } : container;
}
