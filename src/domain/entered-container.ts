import { IN_CLUSTER } from './pod-place.ts';

/** A container of a pod, whose id alone does not lead to it. */
export interface EnteredPod {
  readonly namespace: string;
  /** The pod's. */
  readonly name: string;
  /** The container's, in the pod. */
  readonly container: string;
}

/** Where the programs of a session run in a container, and what they are found by. */
export interface EnteredContainer {
  /** As in engine-address.ts; of a pod, as PodPlace's `cluster`. */
  readonly engine: string;
  /** Null: a container of an engine. */
  readonly pod: EnteredPod | null;
  /** As its engine, or its kubelet, calls it. */
  readonly containerId: string;
  /** Whom they run as. */
  readonly login: string;
  /** 32 hexadecimal digits, which the mark of each of them begins with. */
  readonly mark: string;
}

/** One that may have programs left in it, though its session has ended. */
export interface LeftContainer extends EnteredContainer {
  readonly sessionId: number;
  /** Which node held the session. */
  readonly node: string;
  readonly endedAt: Date;
}

/** Whether its engine or cluster is another one on each node: a socket, and the cluster that a node itself runs in. */
export function isOfItsNode({ engine, pod }: Pick<EnteredContainer, 'engine' | 'pod'>): boolean {
  return pod === null ? engine.startsWith('unix:') : engine === IN_CLUSTER;
}

/** For which sessions that have ended a node looks for what is left. */
export interface LeftDue {
  /** Whose sessions are looked after. */
  readonly node: string;
  /** Of this node's: all that ended before, those whose process died, and those that something outlived. */
  readonly endedBefore: Date;
  /** Of another node's: all that ended before, and those whose process died. */
  readonly anybodysBefore: Date;
}

/** Implemented by store/entered-containers.ts. */
export interface EnteredContainerStore {
  /** Once for a session; a second time changes nothing. */
  add(sessionId: number, entered: EnteredContainer): Promise<void>;
  /** Nothing of the session is left in it. */
  remove(sessionId: number): Promise<void>;
  /** Something may be: it is looked for as soon as the session has ended. */
  outlived(sessionId: number): Promise<void>;
  /** At most `most`: the node's own first, then the oldest. */
  left(due: LeftDue, most: number): Promise<readonly LeftContainer[]>;
}

/**
 * Ends the programs of a session that are left in its container: `ended` when there were some, `none`, or
 * `gone` when the engine or cluster has no such container running. Rejects with `engine.*` and `cluster.*`, and with
 * `machine.refused` where nothing in the image could. Implemented by targets/left-programs.ts.
 */
export type EndPrograms = (entered: EnteredContainer) => Promise<'ended' | 'none' | 'gone'>;
