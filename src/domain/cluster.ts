import type { ContainerExec, ExecRequest } from './container-engine.ts';

/** One container of a pod, as its kubelet last said. */
export interface PodContainer {
  readonly name: string;
  /** Another one each time it is started; empty: it never was. */
  readonly id: string;
  readonly running: boolean;
  /** Why it does not run, in Kubernetes' words (`CrashLoopBackOff`); empty: nothing is said. */
  readonly reason: string;
}

export interface Pod {
  readonly name: string;
  /** Another one where a pod of the same name was made anew. */
  readonly uid: string;
  /** `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`. */
  readonly phase: string;
  readonly ready: boolean;
  /** It was deleted, and runs until its programs have ended or their time is up. */
  readonly leaving: boolean;
  readonly createdAt: Date;
  /** What its annotation `kubectl.kubernetes.io/default-container` names; null: it has none. */
  readonly defaultContainer: string | null;
  /** In the order of its specification. */
  readonly containers: readonly PodContainer[];
}

/** A program to be run in a container of a pod. */
export interface PodExecRequest extends Pick<ExecRequest, 'command' | 'env' | 'terminal'> {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /**
   * A POSIX shell in the container, which gives the program its variables, and says when it begins;
   * null: it gets none, and whether it has begun is known by its end alone.
   */
  readonly shell: string | null;
}

/**
 * A Kubernetes cluster. Its methods reject with PosternError `cluster.setting`, `cluster.unreachable`
 * or `cluster.refused`. Implemented in kube/.
 */
export interface Cluster {
  readonly name: string;
  /** Null: there is none. */
  pod(namespace: string, name: string): Promise<Pod | null>;
  /** With all these labels: at most 500 of those that run; at most 20 others where none does. */
  pods(namespace: string, labels: Readonly<Record<string, string>>): Promise<readonly Pod[]>;
  /** Rejects also with `cluster.no_pod` and `cluster.not_started`. */
  exec(request: PodExecRequest): Promise<ContainerExec>;
}

/** The clusters of a process. */
export interface Clusters {
  /** Whether there is such a cluster shows when it is asked. */
  at(name: string): Cluster;
}
