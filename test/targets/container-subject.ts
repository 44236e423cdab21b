import type { ContainerChoice } from '../../src/domain/container-place.ts';
import type { EnteredContainer } from '../../src/domain/entered-container.ts';
import type { Upstream } from '../../src/domain/upstream.ts';
import { Engines } from '../../src/engine/engine.ts';
import type { VisitNotes } from '../../src/targets/container-visit.ts';
import { DockerTargets } from '../../src/targets/docker-target.ts';
import { listeningLog } from '../recorder/lab.ts';
import type { TestDocker } from '../support/docker.ts';
import type { Manners, Subject } from './conformance.ts';
import { routeTo } from './route.ts';

/** What a session says of itself while it is in a container. */
export interface Hears {
  /** Hears what a session leaves behind of where it was. */
  readonly onEntered?: (one: EnteredContainer) => void;
  /** And, when it has ended, whether nothing of it is left. */
  readonly onLeft?: (clean: boolean) => void;
}

export interface EnterOptions extends Hears {
  /** `root` if not given. */
  readonly login?: string;
  readonly shell?: readonly string[];
}

export function notesFor({ onEntered, onLeft }: Hears): VisitNotes {
  return {
    enterContainer: (_session, one) => Promise.resolve(onEntered?.(one)),
    leaveContainer: (_session, clean) => Promise.resolve(onLeft?.(clean)),
  };
}

/** A container of an engine as a machine. */
export function enter(
  docker: TestDocker,
  choice: ContainerChoice,
  options: EnterOptions = {},
): Promise<Upstream> {
  const { login = 'root', shell = [] } = options;
  const control = notesFor(options);
  const engines = new Engines({ certificates: null });
  const targets = new DockerTargets({ engines, control, log: listeningLog() });
  const container = { engine: docker.address, choice, shell };
  const ticket = { sessionId: 1, credential: { type: 'none' as const }, hops: [] };
  return targets.connect(routeTo({ container, login }), ticket, new AbortController().signal);
}

/** One that is looked into with its engine's own means. */
export function subjectIn(docker: TestDocker, name: string, login: string): Subject {
  return {
    connect: () => enter(docker, { name }, { login }),
    runs: async (word) =>
      (await docker.processes(name)).some(
        (line) => /^(?:sleep|yes) /.test(line) && line.includes(word),
      ),
  };
}

/** A container's programs have their signals, and their shells' words about them. */
export const CONTAINER_MANNERS: Manners = {
  killed: (_name, number) => ({ type: 'code', code: 128 + number }),
  signals: true,
};
