import type { ConnectionFacts, SignedIn } from './control-plane.ts';
import type { EndReason } from './session.ts';
import type { Window } from './terminal.ts';

/** A session that somebody wants without an SSH client of their own. */
export interface WantedTerminal {
  readonly user: SignedIn;
  readonly machine: string;
  /** Null: the machine's default login. */
  readonly login: string | null;
  /** A verification code, where the user gave one. */
  readonly code: string | null;
  /** Names what the user has signed in with: a session is given to nobody who has another. */
  readonly proof: string;
  readonly facts: ConnectionFacts;
}

/** How a terminal ended: its session's reason, and what its user is to be told. */
export interface TerminalEnd {
  readonly reason: EndReason;
  /** Of the program, as a shell says it; null: none began, or nobody said. */
  readonly exitStatus: number | null;
  /** A sentence of the catalogue; null: it ended by itself. */
  readonly refusal: string | null;
}

/** What there is for the user of a terminal. */
export type TerminalOutput =
  | { readonly type: 'output'; readonly bytes: Uint8Array }
  /** Nothing yet: ask again. */
  | { readonly type: 'nothing' }
  | { readonly type: 'ended'; readonly end: TerminalEnd };

/**
 * Why a terminal ends from its user's side: they left, were lost, or never came; or, for reasons that they
 * are still to be told, what they signed in with is not valid any more, or the server stops.
 */
export type TerminalLeave = 'closed' | 'lost' | 'unused' | 'revoked' | 'drained';

/** What trying to log in to a machine has shown. */
export type MachineTrial =
  | { readonly connected: true; readonly sessionId: number; readonly milliseconds: number }
  | {
      readonly connected: false;
      readonly sessionId: number;
      readonly milliseconds: number;
      readonly problem: string;
    };

/**
 * Terminals whose user sits behind the control plane and not behind an SSH connection. Each is a session as
 * any other. Every wait is shorter than a call between processes may take, so that all of it can be
 * messages: output is asked for, a piece at a time, and input is taken or has to be brought again, so
 * that nothing piles up on either side.
 */
export interface WebTerminals {
  /**
   * Begins a session of kind `web`, and dials its machine meanwhile; answers its id. Rejects with
   * PosternError: no access, `terminal.code` where a second factor is needed, `terminal.approval`
   * until somebody has approved: then ask again.
   */
  openTerminal(wanted: WantedTerminal): Promise<number>;
  /** Begins the shell, once. Rejects with `terminal.gone`. */
  startTerminal(sessionId: number, window: Window): Promise<void>;
  /** Waits a while for some; one asker at a time. At most 320 KB. Rejects with `terminal.gone`. */
  terminalOutput(sessionId: number): Promise<TerminalOutput>;
  /** False: there was no room for a while; the same bytes are to be brought again. */
  terminalInput(sessionId: number, bytes: Uint8Array): Promise<boolean>;
  resizeTerminal(sessionId: number, window: Window): Promise<void>;
  /** Ends the session; settles when it has ended. Where its user is to be told, that is output. */
  leaveTerminal(sessionId: number, how: TerminalLeave): Promise<void>;
  /** Logs in to a machine and leaves, as a session of its own. Rejects as `openTerminal` does. */
  tryMachine(wanted: WantedTerminal): Promise<MachineTrial>;
}
