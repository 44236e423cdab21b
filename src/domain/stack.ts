import type { Container } from './container-engine.ts';
import type { Grant } from './grant.ts';
import type { Page, PageRequest } from './page.ts';
import type { OverLimitPolicy } from './place.ts';
import type { RecordingPolicy } from './recording.ts';

/** `container`: services on a container engine; `server`: plain SSH machines, without sessions of containers. */
export const STACK_KINDS = ['container', 'server'] as const;
export type StackKind = (typeof STACK_KINDS)[number];

/** The labels by which Docker Compose marks what belongs to a project. */
export const COMPOSE_LABELS = {
  stack: 'com.docker.compose.project',
  service: 'com.docker.compose.service',
} as const;

/** Live sessions of one service, unless the stack says otherwise; and the most that it may say. */
export const SESSION_LIMIT = 15;
export const MOST_SESSIONS = 1000;

export interface NewStack {
  readonly name: string;
  readonly kind: StackKind;
  /** The address of its container engine; null: it has none, for it is of kind `server`. */
  readonly engine: string | null;
  /** What its containers have in `stackLabel`. */
  readonly project: string;
  readonly stackLabel: string;
  readonly serviceLabel: string;
  /** Whom its sessions run as, unless a grant allows another one and the user asks for it. */
  readonly login: string;
  readonly recording: RecordingPolicy;
  /** Live sessions of one service. */
  readonly sessionLimit: number;
  readonly overLimit: OverLimitPolicy;
}

/** A named set of services, each of which has running containers. */
export interface Stack extends NewStack {
  readonly id: number;
  /** 32 hexadecimal digits; its clients know it by this or by its name. */
  readonly uid: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface StackFilter {
  /** Only these. */
  readonly ids?: readonly number[] | undefined;
  /** Only those whose names have this in them, in whichever letters. */
  readonly search?: string | undefined;
}

/** Implemented by store/stacks.ts. */
export interface StackStore {
  get(id: number): Promise<Stack | null>;
  getByName(name: string): Promise<Stack | null>;
  /** By name, else by uid. */
  find(nameOrUid: string): Promise<Stack | null>;
  list(filter: StackFilter, page: PageRequest): Promise<Page<Stack>>;
  /** Throws `thing.exists` when the name is taken. */
  create(stack: NewStack): Promise<Stack>;
  /**
   * Changes the stack, and the machines that its services are with it; one that becomes a `server` loses them.
   */
  update(id: number, change: Partial<NewStack>): Promise<Stack | null>;
  /** Removes the stack, the machines that its services are, and the grants on it. */
  remove(id: number): Promise<boolean>;
  /**
   * The id of the machine that a service is, made when there is none. Throws `thing.exists` when a machine
   * of another kind has its name, and `stack.kind` when the stack is gone or has no containers any more.
   */
  machineOf(stack: Stack, service: string): Promise<number>;
  /** Which services are machines; at most 10 000. */
  serviceMachines(): Promise<
    readonly { readonly stackId: number; readonly service: string | null }[]
  >;
}

/** The containers of a stack that have the same value of its service label. */
export interface Service {
  readonly name: string;
  /** Running or not. */
  readonly containers: readonly Container[];
}

/** An engine that does not answer. */
export interface EngineAway {
  readonly reason: string;
  readonly since: Date;
  /** Whether it has answered before, as far as this process knows. */
  readonly wasHeard: boolean;
}

/** What is known of a stack's containers. */
export interface KnownServices {
  /** By name; as they are, or were when their engine was last heard. */
  readonly services: readonly Service[];
  /** Null: the engine answers. */
  readonly away: EngineAway | null;
}

/** Implemented by control/stack-services.ts. */
export interface ServiceList {
  /** None of a stack of kind `server`. Rejects with `engine.*` where nothing was ever heard of the engine. */
  of(stack: Stack): Promise<KnownServices>;
}

/** What the engines of stacks tell, kept in the process. Implemented by control/running-services.ts. */
export interface RunningServices {
  /** Those that run. Null: nothing is known of the stack (yet), or it has no engine. */
  of(stackId: number): KnownServices | null;
  /** Told when what is known has changed; answers how to stop listening. */
  subscribe(listener: () => void): () => void;
}

/** Compose's: which of its service's containers one is, from 1. */
const NUMBER_LABEL = 'com.docker.compose.container-number';

/**
 * The running ones of a service's containers by the number that `web.2` means them by: the one that Compose gave
 * them, where it has numbered them all; else 1 is the oldest, by name where several are as old.
 */
export function numbered(containers: readonly Container[]): ReadonlyMap<number, Container> {
  const ordered = containers
    .filter(({ state }) => state === 'running')
    .toSorted(
      (a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.name < b.name ? -1 : 1),
    );
  const given = ordered.map(({ labels }) => Number(labels[NUMBER_LABEL]));
  const isGiven = given.every(Number.isSafeInteger) && new Set(given).size === given.length;
  return new Map(ordered.map((one, at) => [isGiven ? (given[at] ?? 0) : at + 1, one]));
}

/** Whether some grant of `grants`, in force at `now`, is on the stack. */
export function isOnStack(stackId: number, grants: readonly Grant[], now: Date): boolean {
  return grants.some(
    ({ on, until }) => 'stackId' in on && on.stackId === stackId && (until === null || until > now),
  );
}

/**
 * The "SSH key download" permission of Cloud 66, of a user and a stack: a grant in force on the stack that
 * allows a shell.
 */
export function mayDownloadKey(stackId: number, grants: readonly Grant[], now: Date): boolean {
  const shells = grants.filter(({ allow }) => allow.includes('shell'));
  return isOnStack(stackId, shells, now);
}
