import type { AuthorizedRoute } from '../domain/access.ts';
import type {
  ContainerDetail,
  ContainerEngine,
  ContainerEngines,
  ContainerExec,
} from '../domain/container-engine.ts';
import type { SessionTicket } from '../domain/control-plane.ts';
import { PosternError } from '../domain/errors.ts';
import type { Logger } from '../domain/log.ts';
import type {
  ContainerLife,
  ProgramRequest,
  RunningContainer,
} from '../domain/running-container.ts';
import type { TargetConnector, Upstream } from '../domain/upstream.ts';
import { chosenContainer } from './container-choice.ts';
import { ContainerUpstream } from './container-upstream.ts';
import { ContainerVisit, type VisitNotes } from './container-visit.ts';
import { unlessAborted } from './unless-aborted.ts';

export interface DockerTargetsOptions {
  readonly engines: ContainerEngines;
  readonly control: VisitNotes;
  readonly log: Logger;
}

/** Machines of kind `docker`: containers, entered by `exec`. */
export class DockerTargets implements TargetConnector {
  readonly #options: DockerTargetsOptions;

  constructor(options: DockerTargetsOptions) {
    this.#options = options;
  }

  async connect(
    { machine, login }: AuthorizedRoute,
    { sessionId }: SessionTicket,
    signal: AbortSignal,
  ): Promise<Upstream> {
    const { name, kind, container: place } = machine;
    if (place === null) throw new PosternError('machine.kind', { machine: name, kind });
    const engine = this.#options.engines.at(place.engine);
    const found = await unlessAborted(signal, chosenContainer(engine, name, place));
    const container = new EngineContainer(engine, found, login);
    const { log, control } = this.#options;
    const where = { engine: place.engine, pod: null, containerId: found.id, login };
    const visit = new ContainerVisit(control, sessionId, where);
    return new ContainerUpstream({ container, machine: name, shells: place.shell, visit, log });
  }
}

/** A container of an engine, entered as one of its users. */
export class EngineContainer implements RunningContainer {
  readonly name: string;
  readonly user: string;
  readonly #engine: ContainerEngine;
  readonly #found: ContainerDetail;

  constructor(engine: ContainerEngine, found: ContainerDetail, user: string) {
    this.name = found.name;
    this.user = user;
    this.#engine = engine;
    this.#found = found;
  }

  exec(request: ProgramRequest): Promise<ContainerExec> {
    return this.#engine.exec({ ...request, container: this.#found.id, user: this.user });
  }

  async first(paths: readonly string[]): Promise<string | null> {
    const there = await Promise.all(paths.map((path) => this.#engine.has(this.#found.id, path)));
    return paths.find((_path, at) => there[at]) ?? null;
  }

  async life(): Promise<ContainerLife> {
    const now = await this.#engine.find(this.#found.id).catch(() => undefined);
    if (now === undefined) return 'lost';
    const same = now?.startedAt?.getTime() === this.#found.startedAt?.getTime();
    return now?.state === 'running' && same ? 'running' : 'stopped';
  }
}
