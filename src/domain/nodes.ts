import type { Changes } from './changes.ts';
import type { EndReason } from './session.ts';

/** As Gateway.terminate, of the node that holds the session. */
export interface TerminateRequest {
  readonly node: string;
  readonly sessionId: number;
  readonly reason: EndReason;
  /** Who asks, for the session's user. */
  readonly by: string;
}

/** Word between the nodes of one database; it may be lost. Implemented by store/node-bus.ts. */
export interface NodeBus extends Changes {
  /** Who ends the sessions of this node when another one asks. */
  onTerminate(listener: (request: TerminateRequest) => Promise<boolean>): void;
  /** Asks another node; false: it did not say in time that the session has ended. */
  terminate(request: TerminateRequest): Promise<boolean>;
}

/** Implemented by store/nodes.ts. A sign of life is a number that no node gives twice. */
export interface NodeStore {
  /**
   * Makes the name this process's. False: another process has given a sign of life under it within
   * the last 3 s.
   */
  claim(node: string, process: string): Promise<boolean>;
  /** One more sign of life. False: the name is not this process's (any more). */
  beat(node: string, process: string): Promise<boolean>;
  /** The last sign of each node that runs or has sessions left; null: it never gave one. */
  signs(): Promise<ReadonlyMap<string, number | null>>;
  /** Takes a node off the list; false: it has given another sign than this one. */
  bury(node: string, sign: number | null): Promise<boolean>;
  /** Takes this process's own name off the list. */
  leave(node: string, process: string): Promise<void>;
}
