import type { CastEvent } from './recording.ts';

/**
 * Where a command was found. `exec`: the channel's own command, as the client sent it. `osc133`,
 * `osc633`: marks that the shell sends (FinalTerm's and VS Code's); they come from the machine, so who
 * works there can forge or leave them out. `screen`: read off a terminal's screen.
 */
export const COMMAND_SOURCES = ['exec', 'osc133', 'osc633', 'screen'] as const;
export type CommandSource = (typeof COMMAND_SOURCES)[number];

/**
 * `exact`: text and times as they were sent. `likely`: a shell was seen to read this line. `guess`: it
 * looks like a command behind a prompt.
 */
export const CONFIDENCES = ['exact', 'likely', 'guess'] as const;
export type Confidence = (typeof CONFIDENCES)[number];

/** One command of a channel: a help to find one's way, not a control. Seconds are the recording's. */
export interface Command {
  readonly channel: number;
  /** In its channel, from 0, in the order in which they began. */
  readonly index: number;
  /** When the shell took the line. */
  readonly start: number;
  /** When its prompt was back, or it said so; null: it goes on, or that was not seen. */
  readonly end: number | null;
  /** Lines are joined by a newline; at most 8192 UTF-16 units. */
  readonly text: string;
  /** Null where nobody said. */
  readonly exitStatus: number | null;
  readonly cwd: string | null;
  readonly source: CommandSource;
  readonly confidence: Confidence;
}

export const TRANSCRIPT_STREAMS = ['terminal', 'stdout', 'stderr'] as const;
export type TranscriptStream = (typeof TRANSCRIPT_STREAMS)[number];

/**
 * `output`: lines that programs wrote. `prompt`: a shell's prompt with what was typed behind it.
 * `screen`: of a program that has the whole screen, what had changed on it.
 */
export const TRANSCRIPT_KINDS = ['output', 'prompt', 'screen'] as const;
export type TranscriptKind = (typeof TRANSCRIPT_KINDS)[number];

/** A piece of what was to be seen, as text without escape sequences. Seconds are the recording's. */
export interface TranscriptBlock {
  readonly channel: number;
  /** In its channel, from 0. */
  readonly index: number;
  readonly from: number;
  readonly to: number;
  /** Whole lines, joined by newlines, without one at the end; at most 4096 UTF-16 units. */
  readonly text: string;
  readonly stream: TranscriptStream;
  readonly kind: TranscriptKind;
}

/** What is new, and what has become another: the later one of an index is what counts. */
export interface AnalysisChanges {
  readonly commands: readonly Command[];
  readonly blocks: readonly TranscriptBlock[];
}

/** What an analyser has to know of a channel. */
export interface AnalysedChannel {
  readonly channel: number;
  readonly cols: number;
  readonly rows: number;
  /** False: a program without a terminal. */
  readonly pty: boolean;
  /** The exec command; null for a shell. */
  readonly command: string | null;
}

/**
 * Reads one recording, event by event. However its output is cut into events of the same times, and
 * wherever it is interrupted by `state`, what comes of it in the end is the same. Implemented in
 * analysis/.
 */
export interface Analyser {
  feed(event: CastEvent): void;
  /** Nothing has come until `at`, seconds. */
  idle(at: number): void;
  /** Nothing comes any more. */
  end(): void;
  /** Since the last call. */
  take(): AnalysisChanges;
  /** What `resume` makes an equal analyser of; plain text. What was not taken is in it. */
  state(): string;
}

/** How far the analysis of a recording is; `failed` ones are tried again when somebody asks for it. */
export const ANALYSIS_STATES = ['waiting', 'running', 'done', 'failed'] as const;
export type AnalysisState = (typeof ANALYSIS_STATES)[number];

export interface Analysis {
  readonly recordingId: number;
  readonly channel: number;
  readonly state: AnalysisState;
  /** Why it failed; null: it did not. */
  readonly reason: string | null;
}

/** A recording that is to be analysed. */
export interface AnalysisDue {
  readonly recordingId: number;
  readonly sessionId: number;
  readonly channel: number;
  readonly key: string;
  /** Whether it is still being written. */
  readonly isLive: boolean;
}

/** An entry of a session's log: a command, or a piece of what was to be seen. */
export interface SessionLogEntry {
  readonly channel: number;
  /** When, from the clock. */
  readonly at: Date;
  readonly type: 'command' | 'output';
  /** Of the command or the block, in its channel. */
  readonly index: number;
  readonly text: string;
}

/** What of a session's log is wanted. Seconds after the session's start; null: no bound. */
export interface LogFilter {
  readonly from: number | null;
  readonly to: number | null;
  /** Case folded; null: everything. */
  readonly search: string | null;
}

export interface SessionCommand extends Command {
  readonly startedAt: Date;
}

/** Behind which entry a page begins. */
export interface LogPlace {
  readonly channel: number;
  readonly at: Date;
  readonly type: 'command' | 'output';
  readonly index: number;
}

/** A page of a session's log or commands; `after` null: from the beginning. */
export interface LogPage {
  readonly limit: number;
  readonly after: LogPlace | null;
}

/**
 * What recordings were found to hold. All of it is derived, and goes with its recording. Implemented by
 * store/analyses.ts.
 */
export interface AnalysisStore {
  /** Recordings of this node that wait, or whose analysis was cut short; oldest first. */
  due(node: string, most: number): Promise<readonly AnalysisDue[]>;
  /** Forgets what an earlier analysis found. False: the recording is gone. */
  begin(recordingId: number, version: number): Promise<boolean>;
  /** Idempotent. False: the recording is gone; nothing was kept. */
  write(recordingId: number, changes: AnalysisChanges): Promise<boolean>;
  /** `reason` null: it was read to its end. */
  end(recordingId: number, reason: string | null): Promise<void>;
  /**
   * Has recordings that have ended analysed anew, by the nodes that have them: of one session, else
   * all. Answers how many.
   */
  again(sessionId: number | null): Promise<number>;
  /** As `again` those of a node that an earlier version has analysed. */
  outdated(node: string, version: number): Promise<number>;
  /**
   * Makes some of what was kept before there was an index for it ready to be looked up. False: nothing is
   * left. Several may do it at once.
   */
  gather(): Promise<boolean>;
  ofSession(sessionId: number): Promise<readonly Analysis[]>;
  /** In the order of channels, in each in that of their beginning. */
  commands(sessionId: number, page: LogPage): Promise<readonly SessionCommand[]>;
  /**
   * Commands, and blocks that are no prompts, in the order of channels, in each in that of time.
   */
  log(sessionId: number, filter: LogFilter, page: LogPage): Promise<readonly SessionLogEntry[]>;
  /** Every block of one channel, prompts too, `limit` of them from index `from` on. */
  blocks(
    sessionId: number,
    channel: number,
    page: { readonly from: number; readonly limit: number },
  ): Promise<readonly TranscriptBlock[]>;
}
