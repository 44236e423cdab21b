/** Where the programs of a session run in a container, and what they are found by. */
export interface EnteredContainer {
  /** As in engine-address.ts. */
  readonly engine: string;
  /** 64 hexadecimal digits. */
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
  /** The process that held it died. */
  readonly died: boolean;
}

/** Implemented by store/entered-containers.ts. */
export interface EnteredContainerStore {
  /** Once for a session; a second time changes nothing. */
  add(sessionId: number, entered: EnteredContainer): Promise<void>;
  /** Nothing of the session is left in it. */
  remove(sessionId: number): Promise<void>;
  /** Something may be: it is looked for as soon as the session has ended. */
  outlived(sessionId: number): Promise<void>;
  /**
   * Of sessions that have ended: those with `outlived`, those whose process died, and all that ended before
   * `before`; the oldest first, at most `most`.
   */
  left(before: Date, most: number): Promise<readonly LeftContainer[]>;
}

/**
 * Ends the programs of a session that are left in its container: `ended` when there were some, `none`, or
 * `gone` when the engine has no such container running. Rejects with `engine.*`, and with
 * `machine.refused` where nothing in the image could. Implemented by targets/left-programs.ts.
 */
export type EndPrograms = (entered: EnteredContainer) => Promise<'ended' | 'none' | 'gone'>;
