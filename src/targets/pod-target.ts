import type { AuthorizedRoute } from '../domain/access.ts';
import type { Cluster, Clusters } from '../domain/cluster.ts';
import type { ContainerExec } from '../domain/container-engine.ts';
import type { SessionTicket } from '../domain/control-plane.ts';
import { PosternError } from '../domain/errors.ts';
import type { Logger } from '../domain/log.ts';
import type {
  ContainerLife,
  ProgramRequest,
  RunningContainer,
} from '../domain/running-container.ts';
import type { TargetConnector, Upstream } from '../domain/upstream.ts';
import { ContainerUpstream } from './container-upstream.ts';
import { ContainerVisit, type VisitNotes } from './container-visit.ts';
import { type ChosenPod, chosenPod } from './pod-choice.ts';
import { unlessAborted } from './unless-aborted.ts';

/** What is there nearly always, and asks for the others. */
const USUAL_SHELL = '/bin/sh';

/** Prints the first of its arguments that can be run. */
const FIRST = 'for p; do if [ -f "$p" ] && [ -x "$p" ]; then printf %s "$p"; exit; fi; done';

/** What is read of that, in bytes. */
const MOST_PATH = 4096;

/** How long it may take, in milliseconds. */
const ANSWER_MS = 30_000;

export interface PodTargetsOptions {
  readonly clusters: Clusters;
  readonly control: VisitNotes;
  readonly log: Logger;
}

/** Machines of kind `kubernetes`: containers of pods, entered by `exec`. */
export class PodTargets implements TargetConnector {
  readonly #options: PodTargetsOptions;

  constructor(options: PodTargetsOptions) {
    this.#options = options;
  }

  async connect(
    { machine, login }: AuthorizedRoute,
    { sessionId }: SessionTicket,
    signal: AbortSignal,
  ): Promise<Upstream> {
    const { name, kind, pod: place } = machine;
    if (!place) throw new PosternError('machine.kind', { machine: name, kind });
    const cluster = this.#options.clusters.at(place.cluster);
    const chosen = await unlessAborted(signal, chosenPod(cluster, name, place));
    const container = new PodContainer(cluster, place.namespace, chosen);
    const { log, control } = this.#options;
    const { namespace, cluster: engine } = place;
    const pod = { namespace, name: chosen.pod.name, container: chosen.container.name };
    const where = { engine, pod, containerId: chosen.container.id, login };
    const visit = new ContainerVisit(control, sessionId, where);
    return new ContainerUpstream({ container, machine: name, shells: place.shell, visit, log });
  }
}

/** A container of a pod. Kubernetes names nobody whom its programs run as. */
export class PodContainer implements RunningContainer {
  readonly name: string;
  readonly user = null;
  readonly #cluster: Cluster;
  readonly #namespace: string;
  readonly #chosen: ChosenPod;
  /** What has been found to run; null: nothing yet. */
  #shell: string | null = null;

  constructor(cluster: Cluster, namespace: string, chosen: ChosenPod) {
    this.name = `${namespace}/${chosen.pod.name}/${chosen.container.name}`;
    this.#cluster = cluster;
    this.#namespace = namespace;
    this.#chosen = chosen;
  }

  async exec({ command, env, terminal }: ProgramRequest): Promise<ContainerExec> {
    return await this.#run({ command, env, terminal }, this.#shell);
  }

  /** There is no way to look at files but to run something. */
  async first(paths: readonly string[]): Promise<string | null> {
    const shell = this.#shell ?? USUAL_SHELL;
    const { code, output } = await this.#answer([shell, '-c', FIRST, shell, ...paths]);
    if (code === 0) {
      this.#shell = shell;
      return paths.find((path) => path === output) ?? null;
    }
    // An image without the usual one: what runs is a shell.
    for (const path of paths) {
      if ((await this.#answer([path, '-c', ':'])).code !== 0) continue;
      this.#shell = path;
      return path;
    }
    return null;
  }

  async life(): Promise<ContainerLife> {
    const { pod, container } = this.#chosen;
    const now = await this.#cluster.pod(this.#namespace, pod.name).catch(() => undefined);
    if (now === undefined) return 'lost';
    if (now === null || now.leaving || now.uid !== pod.uid) return 'stopped';
    const same = now.containers.find(({ id }) => id === container.id);
    return same?.running === true ? 'running' : 'stopped';
  }

  #run(request: ProgramRequest, shell: string | null): Promise<ContainerExec> {
    return this.#cluster.exec({
      ...request,
      namespace: this.#namespace,
      pod: this.#chosen.pod.name,
      container: this.#chosen.container.name,
      shell,
    });
  }

  async #answer(command: readonly string[]) {
    const exec = await this.#run({ command, env: [], terminal: null }, null);
    const timer = setTimeout(() => exec.close(), ANSWER_MS);
    exec.stdin.end();
    exec.stderr.resume();
    let output = '';
    exec.stdout.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(0, MOST_PATH);
    });
    const code = await exec.exited;
    clearTimeout(timer);
    return { code, output };
  }
}
