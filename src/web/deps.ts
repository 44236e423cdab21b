import type { Context } from 'hono';
import type { Approval, ApprovalStatus, Verdict } from '../domain/approval.ts';
import type { GuessLimit } from '../domain/guess-limit.ts';
import type { Logger } from '../domain/log.ts';
import type { Machine } from '../domain/machine.ts';
import type { Meters } from '../domain/meters.ts';
import type { Passwords } from '../domain/password.ts';
import type { Redaction } from '../domain/redaction.ts';
import type { SegmentRequest } from '../domain/replay.ts';
import type { SearchFilter } from '../domain/search.ts';
import type { SearchHit } from '../domain/search-hit.ts';
import type { SecondFactors } from '../domain/second-factors.ts';
import type { ShownCommands } from '../domain/shown-commands.ts';
import type { RunningServices, Stack } from '../domain/stack.ts';
import type { Store } from '../domain/store.ts';
import type { Viewer } from '../domain/visibility.ts';

/** Who acts in the console, and from where. */
export interface Actor {
  readonly viewer: Viewer;
  readonly source: string;
}

/** A request for approval, as one person has it before them. */
export interface ShownApproval {
  readonly approval: Approval;
  /** As it is now. */
  readonly status: ApprovalStatus;
  readonly mayDecide: boolean;
}

/** A machine, as far as the grants of who looks at it go. */
export interface SeenMachine {
  readonly machine: Machine;
  /** It may be seen and not entered. */
  readonly isShut: boolean;
}

/** Everything that the console works with. */
export interface ConsoleDeps {
  readonly store: Store;
  readonly passwords: Passwords;
  readonly factors: SecondFactors;
  readonly guesses: GuessLimit;
  readonly meters: Pick<Meters, 'signInFailed'>;
  readonly log: Logger;
  /** Commands as they are shown to who may not see secrets. */
  readonly redaction: Pick<Redaction, 'text'>;
  /** The name of this node. */
  readonly node: string;
  /** Where users reach the console: `https://bastion.example`. */
  readonly publicUrl: () => string;
  readonly publicSsh: () => { readonly host: string; readonly port: number };
  readonly clock: () => Date;
  /** The address that a request came from. */
  readonly clientAddress: (c: Context) => string;
  /** What the player plays; throws PosternError, and notes the viewing in the audit. */
  readonly playRecording: (actor: Actor, id: number, channel: number) => Promise<Response>;
  /** The recipients whose identities would open a recording, where nothing here does; else null. */
  readonly lockedTo: (key: string) => Promise<string | null>;
  /** The file of a recording as it lies; noted in the audit. */
  readonly downloadFile: (actor: Actor, id: number, channel: number) => Promise<Response>;
  /** How the player is to play a recording: see api/replay.ts; throws PosternError, as all these. */
  readonly replayAnswer: (actor: Actor, id: number, channel: number) => Promise<object>;
  readonly replayIndex: (actor: Actor, id: number, channel: number) => Promise<Response>;
  readonly replaySegment: (actor: Actor, asked: SegmentRequest) => Promise<Response>;
  /** The known_hosts file of the machines that the actor may see. */
  readonly knownHosts: (actor: Actor) => Promise<string>;
  /** The known_hosts file with the line of the authority that vouches for all machines. */
  readonly knownAuthority: () => string;
  /** Requests for approval that the actor may see, newest first; `statuses` null: all. */
  readonly listApprovals: (
    actor: Actor,
    statuses: readonly ApprovalStatus[] | null,
    limit: number,
  ) => Promise<{ readonly rows: readonly ShownApproval[] }>;
  /** Throws PosternError, as the next one does. */
  readonly seenApproval: (actor: Actor, id: number) => Promise<ShownApproval>;
  readonly decideApproval: (
    actor: Actor,
    decision: { readonly id: number; readonly verdict: Verdict; readonly reason: string },
  ) => Promise<void>;
  /**
   * What the actor may see that has the words, and the cursor of the next page; `cursor` null: the
   * first. Throws PosternError.
   */
  readonly search: (
    actor: Actor,
    filter: SearchFilter,
    cursor: string | null,
  ) => Promise<{ readonly hits: readonly SearchHit[]; readonly next: string | null }>;
  /** The newest stacks that the actor may see; `next` null: these are all. */
  readonly seenStacks: (
    actor: Actor,
  ) => Promise<{ readonly rows: readonly Stack[]; readonly next: number | null }>;
  readonly running: RunningServices;
  /** The machines that the actor may see, by name; at most 1000. */
  readonly seenMachines: (actor: Actor) => Promise<readonly SeenMachine[]>;
  /** A session whose terminal the actor's browser is to open; throws PosternError. */
  readonly openTerminal: (
    actor: Actor,
    asked: {
      readonly machineId: number;
      readonly login: string | null;
      readonly code: string | null;
      /** What the browser calls itself. */
      readonly client: string;
    },
  ) => Promise<{ readonly sessionId: number; readonly url: string; readonly token: string }>;
  /** Commands of a channel as the actor may see them; noted in the audit. */
  readonly sessionCommands: (actor: Actor, id: number, channel: number) => Promise<ShownCommands>;
  /** Settles when the session has ended; throws PosternError. */
  readonly terminateSession: (actor: Actor, id: number) => Promise<void>;
}

export interface ConsoleEnv {
  readonly Variables: {
    /** Null: not signed in. */
    viewer: Viewer | null;
    source: string;
  };
}
