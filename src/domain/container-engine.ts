import type { Window } from './terminal.ts';

/** What an engine says of a container's life. */
export const CONTAINER_STATES = [
  'created',
  'running',
  'paused',
  'restarting',
  'removing',
  'exited',
  'dead',
] as const;
export type ContainerState = (typeof CONTAINER_STATES)[number];

/** What its own health check says; `none`: it has no such check. */
export const CONTAINER_HEALTHS = ['none', 'starting', 'healthy', 'unhealthy'] as const;
export type ContainerHealth = (typeof CONTAINER_HEALTHS)[number];

export interface Container {
  /** 64 hexadecimal digits. */
  readonly id: string;
  /** Without the slash that the Engine API puts before it. */
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: ContainerState;
  readonly health: ContainerHealth;
  readonly createdAt: Date;
}

/** One container in full. */
export interface ContainerDetail extends Container {
  /** When it was last started; null: never. */
  readonly startedAt: Date | null;
}

export interface ContainerFilter {
  /** Also those that do not run; false if not given. */
  readonly all?: boolean;
  /** Labels that it must have, with these values. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** Better ones first: a container without a health check is as good as its engine can say. */
const HEALTHS: readonly ContainerHealth[] = ['healthy', 'none', 'starting', 'unhealthy'];

/** Of a service's containers the one to land in: the healthiest that runs, of several the newest. */
export function bestOf(containers: readonly Container[]): Container | null {
  const [best] = containers
    .filter(({ state }) => state === 'running')
    .toSorted(
      (a, b) =>
        HEALTHS.indexOf(a.health) - HEALTHS.indexOf(b.health) ||
        b.createdAt.getTime() - a.createdAt.getTime() ||
        (a.name < b.name ? -1 : 1),
    );
  return best ?? null;
}

/** A program to be run in a running container. */
export interface ExecRequest {
  /** The container's id or name. */
  readonly container: string;
  /** The program and its arguments, not interpreted. */
  readonly command: readonly string[];
  /** A name, `UID` or `UID:GID`; empty: the container's own. */
  readonly user: string;
  /** Beside what the container's programs have. */
  readonly env: readonly (readonly [name: string, value: string])[];
  /** An absolute path; left out: the container's own. */
  readonly directory?: string | undefined;
  /** Null: no terminal, and stdout and stderr apart. */
  readonly terminal: Window | null;
}

/** A program that runs in a container. Bytes are untouched; `stdin.end()` is a half-close. */
export interface ContainerExec {
  readonly id: string;
  readonly stdin: NodeJS.WritableStream;
  readonly stdout: NodeJS.ReadableStream;
  /** Ends at once with a terminal. */
  readonly stderr: NodeJS.ReadableStream;
  /** Never rejects: a terminal that is gone has no size. */
  resize(window: Window): Promise<void>;
  /**
   * When stdout and stderr have been read to their ends: the program's status; null when the engine
   * does not say (it is away), and after `close`, within a second, whoever reads. Never rejects.
   */
  readonly exited: Promise<number | null>;
  /**
   * Lets the streams go at once, and what nobody has read of them is dropped. The program goes on: no
   * engine has a way to end one.
   */
  close(): void;
}

/** What is told to who follows an engine's containers. */
export type ContainerNews =
  /** All containers, as they are now: at the beginning, and each time after news were missed. */
  | { readonly type: 'all'; readonly containers: readonly Container[] }
  /** Made, started, stopped, paused, renamed, or its health has changed. */
  | { readonly type: 'changed'; readonly container: Container }
  /** It is no more. */
  | { readonly type: 'gone'; readonly id: string }
  /**
   * The engine does not answer; what was known is kept, and `all` follows when it is back. `reason` is for users,
   * `cause` for the log.
   */
  | { readonly type: 'away'; readonly reason: string; readonly cause: string };

/**
 * A Docker Engine, or what speaks its API. Its methods reject with PosternError `engine.unreachable`,
 * `engine.refused` or `engine.no_container`. Implemented in engine/.
 */
export interface ContainerEngine {
  /** As it was asked for: `unix:///var/run/docker.sock`. */
  readonly address: string;
  /** By name; the running ones unless `all`. */
  list(filter?: ContainerFilter): Promise<readonly Container[]>;
  /** By name, id or the unambiguous beginning of an id; null: there is none. */
  find(nameOrId: string): Promise<ContainerDetail | null>;
  /** When the program has begun. Rejects also with `engine.not_started`. */
  exec(request: ExecRequest): Promise<ContainerExec>;
  /** Whether there is such a file, a directory or a link included, in a container. */
  has(container: string, path: string): Promise<boolean>;
  /** Follows the containers, through losses of the engine, until closed. */
  follow(onNews: (news: ContainerNews) => void): { close(): void };
}

/** The engines of a process. */
export interface ContainerEngines {
  /** Always the same one for an address. Throws PosternError `engine.address` for what is none. */
  at(address: string): ContainerEngine;
}
