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
import type {
  HostKeyPolicy,
  Machine,
  MachineAlgorithms,
  MachineCredential,
  NewMachine,
} from '../domain/machine.ts';
import type { ParsePublicKey } from '../domain/user.ts';
import { refuse } from './errors.ts';
import { given } from './fields.ts';
import { pinnedKey } from './machine-fields.ts';

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

/** How a machine is to be reached, as it was asked for; what was left out is undefined. */
export interface AskedReach {
  readonly kind: 'ssh' | 'docker';
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly auth?: MachineCredential | undefined;
  readonly jump?: string | null | undefined;
  readonly hostKey?: string | null | undefined;
  readonly hostKeyPolicy?: HostKeyPolicy | undefined;
  readonly algorithms?: MachineAlgorithms | undefined;
  readonly engine?: string | undefined;
  readonly container?: string | { readonly stack: string; readonly service: string } | undefined;
  readonly shell?: readonly string[] | undefined;
}

type Reach = Pick<
  NewMachine,
  'kind' | 'host' | 'port' | 'hostKey' | 'hostKeyPolicy' | 'algorithms' | 'jump' | 'container'
>;

/** What the fields are called where they were asked for. */
export interface ReachNames {
  /** `machines[3].`; empty: they stand by themselves. */
  readonly before: string;
  readonly jump: string;
}

const OF_SSH = ['host', 'port', 'auth', 'jump', 'hostKey', 'hostKeyPolicy', 'algorithms'] as const;
const OF_DOCKER = ['engine', 'container', 'shell'] as const;

/** Throws `request.invalid` where fields do not belong to the kind. */
function keepToKind(asked: AskedReach, names: ReachNames): void {
  const strange = asked.kind === 'ssh' ? OF_DOCKER : OF_SSH;
  for (const key of strange) {
    if (asked[key] === undefined || asked[key] === null) continue;
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

function needed<T>(value: T | undefined, key: keyof AskedReach, names: ReachNames): T {
  return value ?? refuse(nameOf(key, names), 'is missing');
}

/** Of a machine as a whole. Throws `request.invalid`. */
export function reachOf(asked: AskedReach, names: ReachNames, parse: ParsePublicKey): Reach {
  keepToKind(asked, names);
  if (asked.kind === 'docker') {
    const choice = choiceOf(needed(asked.container, 'container', names));
    const engine = needed(asked.engine, 'engine', names);
    return {
      ...{ kind: 'docker', host: containerText(choice), port: 0, jump: null },
      ...{ hostKey: null, hostKeyPolicy: 'accept-new', algorithms: 'modern' },
      container: { engine, choice, shell: asked.shell ?? [] },
    };
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
  };
}

/** What it logs in with; a container's engine asks for nothing. Throws `request.invalid`. */
export function credentialOf(asked: AskedReach, names: ReachNames): MachineCredential {
  return asked.kind === 'docker' ? { type: 'none' } : needed(asked.auth, 'auth', names);
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
  return given({
    host: place === undefined ? asked.host : containerText(place.choice),
    port: asked.port,
    credential: asked.auth,
    jump: asked.jump,
    hostKey:
      hostKey === undefined ? undefined : pinnedKey(parse, hostKey, nameOf('hostKey', names)),
    hostKeyPolicy: asked.hostKeyPolicy,
    algorithms: asked.algorithms,
    container: place,
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
    choice: container === undefined ? before.choice : choiceOf(container),
    shell: shell ?? before.shell,
  };
}

function choiceOf(container: NonNullable<AskedReach['container']>): ContainerChoice {
  return typeof container === 'string' ? { name: container } : container;
}
