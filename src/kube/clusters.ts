import type { Cluster, Clusters, Pod, PodExecRequest } from '../domain/cluster.ts';
import type { ContainerExec } from '../domain/container-engine.ts';
import { PosternError } from '../domain/errors.ts';
import { selectorText } from '../domain/pod-place.ts';
import { announced } from './announced.ts';
import { PodExec } from './exec.ts';
import { ClusterFailure } from './failure.ts';
import { openSocket } from './socket.ts';
import { LibraryThread } from './thread.ts';

export interface ClustersOptions {
  /** Absolute; null: only the cluster that Postern runs in can be reached. */
  readonly kubeconfig: string | null;
  /** What stands before the path of a service account's files; nothing if not given. */
  readonly root?: string;
}

/** All clusters of this process, by name. */
export class KubeClusters implements Clusters {
  readonly #library: LibraryThread;

  constructor({ kubeconfig, root = '' }: ClustersOptions) {
    this.#library = new LibraryThread({ kubeconfig, root });
  }

  at(name: string): Cluster {
    return new KubeCluster(name, this.#library);
  }

  close(): Promise<void> {
    return this.#library.stop();
  }
}

/**
 * A cluster over its API server: pods, and who we are to it, by the library; programs on WebSockets of
 * our own (docs/adr).
 */
class KubeCluster implements Cluster {
  readonly name: string;
  readonly #library: LibraryThread;

  constructor(name: string, library: LibraryThread) {
    this.name = name;
    this.#library = library;
  }

  pod(namespace: string, name: string): Promise<Pod | null> {
    return this.#told(this.#library.ask(this.name, { what: 'pod', namespace, name }));
  }

  pods(namespace: string, labels: Readonly<Record<string, string>>): Promise<readonly Pod[]> {
    const selector = selectorText(labels);
    return this.#told(this.#library.ask(this.name, { what: 'pods', namespace, selector }));
  }

  async exec(request: PodExecRequest): Promise<ContainerExec> {
    const { namespace, pod, container, shell, terminal } = request;
    const access = await this.#told(this.#library.ask(this.name, { what: 'access' }));
    const query = new URLSearchParams({
      ...{ container, stdin: 'true', stdout: 'true' },
      // With a terminal all output is one.
      ...(terminal === null ? { stderr: 'true' } : { tty: 'true' }),
    });
    const command = shell === null ? request.command : announced(shell, request);
    for (const word of command) query.append('command', word);
    const path = `/api/v1/namespaces/${namespace}/pods/${pod}/exec?${query}`;
    const exec = new PodExec(
      await this.#told(openSocket(access, path), `${namespace}/${pod}`),
      terminal,
      shell !== null,
    );
    try {
      await exec.begun;
      return exec;
    } catch (error) {
      exec.close();
      if (!(error instanceof ClusterFailure) || error.kind !== 'refused')
        throw this.#meaning(error);
      const [program = ''] = request.command;
      const params = { program, reason: error.message };
      throw new PosternError('cluster.not_started', params, { cause: error });
    }
  }

  async #told<T>(work: Promise<T>, pod = ''): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw this.#meaning(error, pod);
    }
  }

  #meaning(error: unknown, pod = ''): unknown {
    if (!(error instanceof ClusterFailure)) return error;
    const cause = new Error(`${this.name}: ${error.detail}`);
    return new PosternError(`cluster.${error.kind}`, { reason: error.message, pod }, { cause });
  }
}
