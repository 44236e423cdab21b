import type { DerivedFile } from './derived-file.ts';
import type { FinalState, KnownSeals, Seal, Verdict } from './seal.ts';
import type { ExitStatus, Pty, Window } from './terminal.ts';

export const RECORDING_POLICIES = ['required', 'best_effort', 'off'] as const;

/**
 * `required`: no recording, no session (refused with 254, ended when it breaks);
 * `best_effort`: the session goes on without, and the audit says so; `off`: none is made.
 */
export type RecordingPolicy = (typeof RECORDING_POLICIES)[number];

/**
 * `recording` while it is written. `complete`: whole, sealed to its end. `recovered`: cut to its last
 * whole event after a crash, and sealed there. `gap`: it broke and its session went on without
 * (best_effort). `truncated`: it broke and ended its session, or it is shorter than what was sealed of
 * it. Both are sealed as far as they go when the disk allows; until then, and where it cannot be, without `sha256`.
 * `tampered`: not what was sealed. `failed`: nothing of it can be played. `deleted`: its row alone is left.
 */
export const RECORDING_STATES = [
  'recording',
  'complete',
  'recovered',
  'truncated',
  'gap',
  'tampered',
  'failed',
  'deleted',
] as const;
export type RecordingState = (typeof RECORDING_STATES)[number];

/** Whether there are bytes of it. */
export function isThere(recording: { readonly state: RecordingState }): boolean {
  return recording.state !== 'failed' && recording.state !== 'deleted';
}

/** What a recording is told when it starts; ends up in the asciicast header. */
export interface RecordingStart {
  readonly sessionId: number;
  /** The channel's number in its session, from 1. */
  readonly channel: number;
  readonly startedAt: Date;
  /** Null: a program without a terminal. */
  readonly pty: Pty | null;
  /** Whether what is typed is recorded too; under a terminal alone. */
  readonly input?: boolean;
  /** The exec command; null for a shell. */
  readonly command: string | null;
  /** `USER on LOGIN@MACHINE`. */
  readonly title: string;
}

/** What a finished recording amounts to. */
export interface RecordingReceipt {
  /** Where it lies, relative to the recordings' root; never made of users' text. */
  readonly key: string;
  /** Bytes of the file. */
  readonly size: number;
  /** Bytes of output and error that were handed over; null after a crash past the cap. */
  readonly recordedBytes: number | null;
  /** Seconds of the last event after the start. */
  readonly duration: number;
  /** Of the file, hex. */
  readonly sha256: string;
  /** The last one, with which the file ends. */
  readonly seal: Seal;
}

/** What is left of a recording that a crash had left open, or that broke. */
export interface RepairedRecording {
  readonly state: Exclude<RecordingState, 'recording' | 'deleted'>;
  /** Null where the file is not whole to a seal at its end. */
  readonly receipt: RecordingReceipt | null;
  /** Bytes of the file; left out where it is not there. */
  readonly size?: number;
}

/** Why a recording was left open: a crash, or it broke under the policy `required` or `best_effort`. */
export type LeftOpen = Exclude<FinalState, 'complete'>;

/**
 * Repairs a recording that nobody writes any more; `left` (`recovered` when it is left out) is what its
 * last seal says then. Null: it cannot be done now (the disk, the
 * database); it stays as it is until it is tried again. Never rejects.
 */
export type RepairRecording = (key: string, left?: LeftOpen) => Promise<RepairedRecording | null>;

/**
 * One channel's tap: sees each chunk before it goes on (invariant 2). Chunks are copied at once, so
 * the caller may hand them on. `output` and `error` answer false when the recorder has as much
 * waiting as it may hold: the caller then pauses the machine until `onDrain` calls.
 */
export interface ChannelRecording {
  readonly key: string;
  /** Whether `input` does anything. */
  readonly takesInput: boolean;
  output(chunk: Uint8Array): boolean;
  error(chunk: Uint8Array): boolean;
  /** What the user typed, when it goes to the machine; answers as `output`. What was not echoed is not kept. */
  input(chunk: Uint8Array): boolean;
  resize(window: Window): void;
  /**
   * A word of Postern's own in the timeline, as players show marks; at most 340 UTF-16 units of it. A
   * recording keeps a thousand, and says that there were more.
   */
  mark(text: string): void;
  /** Nothing can come into it any more. */
  readonly isOver: boolean;
  /** Calls once when there is room again; at once when there is. */
  onDrain(listener: () => void): void;
  /** Called at most once: the recording can no longer be written. `end` rejects after it. */
  onFailure(listener: (error: Error) => void): void;
  /** Called for each part that is sealed and on disk, in order. */
  onSeal(listener: (seal: Seal) => void): void;
  /** Everything on disk; idempotent, the same promise to every caller. */
  end(exit: ExitStatus | null): Promise<RecordingReceipt>;
}

/**
 * Whether there is room for new recordings: `low`, below the threshold, none is begun. `down`: nobody
 * can say.
 */
export type SpaceState = 'up' | 'low' | 'down';

/** Implemented by recorder/recorder.ts in the gateway. */
export interface Recorder {
  /** Bytes, of all channels, that wait for its disk. */
  readonly queued: number;
  /**
   * Rejects with `recording.refused` when no recording can be made (directory gone, disk full, no
   * permission), with `recording.no_room` when little room is left.
   */
  start(recording: RecordingStart): Promise<ChannelRecording>;
  close(): Promise<void>;
}

/** What the file of a recording says of itself; `startedAt` to the second. */
export interface RecordingOrigin {
  readonly sessionId: number;
  readonly channel: number;
  readonly startedAt: Date;
}

/** The files of recordings as they lie, noted or not. Implemented by recording-files.ts. */
export interface RecordingFiles {
  /** The keys of the last three days of which there are any. Rejects when a directory cannot be read. */
  newest(): Promise<readonly string[]>;
  /** Null: it is damaged, or no recorder's. Rejects when it cannot be read. */
  origin(key: string): Promise<RecordingOrigin | null>;
}

/** One asciicast event; `at` is seconds after the start (absolute, though v3 writes intervals). */
export interface CastEvent {
  readonly at: number;
  readonly code: string;
  readonly data: string;
  /** Of an `o`: whether it came from stderr. */
  readonly isError: boolean;
}

/** A recording's replay index, and that of how it is shown to who may not see what is secret in it. */
export type ReplayKind = 'replay' | 'replay-redacted';

/** A recording as it is shown to who may not see what is secret in it; times and sizes are its own. */
export interface RecordingView {
  /** Of the rules. */
  readonly rules: string;
  /** A text beside the events, such as the command, without what is secret in it. */
  text(text: string): string;
  /** Seconds of the events of which something is hidden, in order. */
  readonly secretTimes: readonly number[];
  /** Of all events of the recording, in order; ends where what was looked through ends. */
  show(events: AsyncIterable<CastEvent>): AsyncIterable<CastEvent>;
}

export interface CastHeader {
  readonly version: 2 | 3;
  readonly cols: number;
  readonly rows: number;
  /** Seconds since 1970. */
  readonly timestamp: number | null;
  readonly command: string | null;
  readonly title: string | null;
  /** False: a program without a terminal. True where the file does not say. */
  readonly pty: boolean;
}

/** What is stored of one recording's bytes; what is whole of it ends at `size`. */
export interface StoredRecording {
  /** Bytes up to the last whole line; of an encrypted one all that lie there. */
  readonly size: number;
  readonly modifiedAt: Date;
}

/** Whether a recording lies encrypted, and can be read here. */
export interface Locking {
  readonly isEncrypted: boolean;
  /** The recipients (age-key.ts) whose identities would open it, where nothing here does; else null. */
  readonly lockedTo: string | null;
}

/** A piece of what a program wrote, as plain text: a line, or what came before a pause. */
export interface LogEntry {
  /** Seconds after the start. */
  readonly at: number;
  readonly type: 'output' | 'error';
  /** Without escape sequences; at most 4096 UTF-16 units. */
  readonly text: string;
}

/**
 * Reading recordings, finished or being written. Only whole lines are read. Whatever reads a
 * recording that is not there fails with `recording.missing`, one without an asciicast header with
 * `recording.damaged`, one that is encrypted and that nothing here opens with `recording.encrypted`; a key
 * that no recorder made is an Error. Implemented by recorder/library.ts.
 */
export interface RecordingLibrary {
  /** Null when there is no such recording. */
  stat(key: string): Promise<StoredRecording | null>;
  /** Of one that is not on this machine's disk: that it is neither. */
  locking(key: string): Promise<Locking>;
  /** Bytes `from` (included) to `to` (excluded) of the file as it lies: asciicast v3, or encrypted. */
  read(key: string, from: number, to: number): ReadableStream<Uint8Array>;
  /** The asciicast v3, whether or not it lies encrypted. */
  readPlain(key: string): ReadableStream<Uint8Array>;
  /**
   * Asciicast v3 for a player: only what one shows (no comments), a bare newline of a program
   * without a terminal as CR LF, and at least one event. Not for a download: that is `read`.
   */
  readForPlayback(key: string, view?: RecordingView): ReadableStream<Uint8Array>;
  /** As `readForPlayback`, in asciicast v2, which has no exit status. */
  readV2(key: string, view?: RecordingView): ReadableStream<Uint8Array>;
  /** Asciicast v3 for a download of what the view shows: all events, no seals, and no bytes beside the text. */
  readShown(key: string, view: RecordingView): ReadableStream<Uint8Array>;
  /** What `readForPlayback` says, event by event; without its header. */
  playback(key: string, view?: RecordingView): AsyncIterable<CastEvent>;
  /** The path of what of it is secret (places alone), which lies beside it or may be put there. */
  masksPath(key: string): Promise<string>;
  /** The replay index that lies beside it, or may be put there: see replay.ts. */
  replayFile(key: string, kind: ReplayKind): Promise<DerivedFile>;
  header(key: string): Promise<CastHeader>;
  /** Events one after the other; a cut or damaged line ends it without an error. */
  events(key: string): AsyncIterable<CastEvent>;
  /** What the programs wrote, as text for people: cursor movements are not followed. */
  logs(key: string, view?: RecordingView): AsyncIterable<LogEntry>;
  /**
   * The recording checked against its seals and what else is known; of one that nothing here opens no more
   * than its file.
   */
  verify(key: string, known: KnownSeals): Promise<Verdict>;
  /**
   * Resolves when its file is on this machine's disk, for who reads it there; what is here, or nowhere, is
   * left alone. Rejects with `recording.away`, `recording.altered` and `recording.no_room_here` where an
   * S3-compatible store has it; then reading it fails so too.
   */
  bring(key: string): Promise<void>;
  /** Also what was derived from it: everything beside it that is named `KEY.*`. False: it was not there. */
  remove(key: string): Promise<boolean>;
}
