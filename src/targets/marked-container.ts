import type { ContainerExec } from '../domain/container-engine.ts';
import { PosternError } from '../domain/errors.ts';
import type { Logger } from '../domain/log.ts';
import type {
  ContainerLife,
  ProgramRequest,
  RunningContainer,
} from '../domain/running-container.ts';
import { ContainerSignals } from './container-signals.ts';
import type { ContainerVisit } from './container-visit.ts';

/** Among a program's variables: what it is found by when it has to end. */
const MARK = 'POSTERN_PROGRAM';

/** Failures of an engine after which a program may run that it was asked to begin. */
const MAY_RUN: readonly string[] = ['engine.unreachable', 'engine.refused', 'cluster.unreachable'];

/** What became of a program: its owner knows. */
interface Followed {
  /** When nothing of it is left, or it was told to end: true; false: it may run on. Never rejects. */
  readonly left: Promise<boolean>;
}

interface MarkedContainerParts {
  readonly container: RunningContainer;
  readonly visit: ContainerVisit;
  /** Its path in the container. May reject. */
  readonly shell: () => Promise<string>;
  readonly log: Logger;
}

/**
 * A container as one session has it, and the only way that anything of the session's gets into it: whatever
 * begins there has a mark of its own, and the session answers for it. Two kinds have none: what ends others by their
 * marks, and what a pod is asked which files it has with, before it is known how a program gets variables there. Both
 * are over by themselves within seconds.
 */
export class MarkedContainer implements RunningContainer {
  readonly name: string;
  readonly user: string | null;
  readonly #parts: MarkedContainerParts;

  constructor(parts: MarkedContainerParts) {
    this.name = parts.container.name;
    this.user = parts.container.user;
    this.#parts = parts;
  }

  first(paths: readonly string[]): Promise<string | null> {
    return this.#parts.container.first(paths);
  }

  life(): Promise<ContainerLife> {
    return this.#parts.container.life();
  }

  /** What is let go before it is known to have ended is looked for when the session has ended. */
  async exec(request: ProgramRequest): Promise<ContainerExec> {
    const begun = await this.begin(
      () => Promise.resolve(request),
      (exec) => ({ exec, left: exec.exited.then((code) => code !== null) }),
    );
    return begun.exec;
  }

  /** A program whose owner ends it by its signals. Rejects as `request` does, and as `exec` of a container. */
  async begin<T extends Followed>(
    request: () => Promise<ProgramRequest>,
    as: (exec: ContainerExec, signals: ContainerSignals) => T,
  ): Promise<T> {
    const begun = this.#run(request, as);
    // At once: the session may end before it has begun.
    this.#parts.visit.follow(
      begun.then(
        ({ left }) => left,
        () => true,
      ),
    );
    return await begun;
  }

  async #run<T>(
    request: () => Promise<ProgramRequest>,
    as: (exec: ContainerExec, signals: ContainerSignals) => T,
  ): Promise<T> {
    const { container, visit, shell, log } = this.#parts;
    const [{ command, env, terminal }, mark] = await Promise.all([request(), visit.mark()]);
    const signals = new ContainerSignals({ container, mark, shell, log });
    try {
      const exec = await container.exec({ command, env: [...env, [MARK, mark]], terminal });
      return as(exec, signals);
    } catch (error) {
      // An engine that was lost may have begun it all the same.
      if (mayRun(error)) visit.follow(signals.hangUp(visit.over));
      throw error;
    }
  }
}

/** Whether a program may have begun though its engine said that it had not, or nothing. */
function mayRun(error: unknown): boolean {
  return !(error instanceof PosternError) || MAY_RUN.includes(error.code);
}
