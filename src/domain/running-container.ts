import type { ContainerExec, ExecRequest } from './container-engine.ts';

/** A program to be run in a container that was chosen. */
export type ProgramRequest = Pick<ExecRequest, 'command' | 'env' | 'terminal'>;

/** `stopped` also when it runs again: nothing of before is in it. */
export type ContainerLife = 'running' | 'stopped' | 'lost';

/**
 * One running container, in which programs are run, all as the same user. Its methods reject with
 * PosternError `engine.*` or `cluster.*`.
 */
export interface RunningContainer {
  /** For the log. */
  readonly name: string;
  /** What programs are told about whom they run as; null: nothing. */
  readonly user: string | null;
  exec(request: ProgramRequest): Promise<ContainerExec>;
  /** The first of these absolute paths that there is; null: none. */
  first(paths: readonly string[]): Promise<string | null>;
  /** Whether it still is the one that was chosen. Never rejects. */
  life(): Promise<ContainerLife>;
}
