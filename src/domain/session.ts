import type { Page, PageRequest } from './page.ts';
import type { RecordingReceipt, RecordingState } from './recording.ts';

/** `ended` in the seed is `stopped` or `failed` here (spec/api.md, "Container sessions"). */
export const SESSION_STATUSES = ['pending', 'active', 'stopped', 'failed'] as const;
export type SessionStatus = (typeof SESSION_STATUSES)[number];

export const SESSION_KINDS = ['shell', 'exec', 'sftp', 'forward', 'web'] as const;
/** Of a session: what its first channel was. */
export type SessionKind = (typeof SESSION_KINDS)[number];

export const CHANNEL_KINDS = ['shell', 'exec', 'sftp', 'subsystem', 'forward'] as const;
export type ChannelKind = (typeof CHANNEL_KINDS)[number];

/** Why a session ended; one, whoever ended it and however the process died (invariant 4). */
export const END_REASONS = [
  'client_closed',
  'client_lost',
  'machine_lost',
  'machine_unreachable',
  'machine_auth_failed',
  'host_key_changed',
  'terminated',
  'evicted',
  'access_revoked',
  'recording_failed',
  'max_session',
  'idle_timeout',
  'unused',
  'not_created',
  'drained',
  'node_died',
  'worker_died',
  'internal_error',
] as const;
export type EndReason = (typeof END_REASONS)[number];

const FAILURES: readonly EndReason[] = [
  'not_created',
  'machine_unreachable',
  'machine_auth_failed',
  'host_key_changed',
  'recording_failed',
  'internal_error',
];

/** The status that a session ends in. A session that did its work and was then cut is `stopped`. */
export function statusAfter(reason: EndReason): 'stopped' | 'failed' {
  return FAILURES.includes(reason) ? 'failed' : 'stopped';
}

/** The only ways forward: pending → active → stopped | failed, and pending → stopped | failed. */
export function mayFollow(from: SessionStatus, to: SessionStatus): boolean {
  if (from === 'pending') return to !== 'pending';
  return from === 'active' && (to === 'stopped' || to === 'failed');
}

export interface Session {
  readonly id: number;
  /** Null when the user was removed since; the name stays. */
  readonly userId: number | null;
  readonly userName: string;
  readonly userEmail: string | null;
  readonly machineId: number | null;
  readonly machineName: string;
  readonly machineHost: string;
  readonly login: string;
  readonly kind: SessionKind;
  readonly status: SessionStatus;
  /** The node that holds or held it. */
  readonly node: string;
  readonly startedAt: Date;
  readonly lastActivity: Date;
  readonly endedAt: Date | null;
  readonly endReason: EndReason | null;
  /** Of the last program that ended; null: none did, or none said. */
  readonly exitStatus: number | null;
  readonly ipAddress: string;
  /** What the client calls itself, e.g. its SSH identification string. */
  readonly userAgent: string;
  /** From the user to the machine, and back. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly commandsCount: number;
  /** Null: none was needed. */
  readonly approval: SessionApproval | null;
  /** While there is one, its recordings cannot be deleted. */
  readonly hold: LegalHold | null;
}

/** Why a session's recordings may not be deleted. */
export interface LegalHold {
  readonly at: Date;
  /** Name of who said so. */
  readonly by: string;
  readonly reason: string;
}

/** The approval that a session was opened with. */
export interface SessionApproval {
  readonly id: number;
  /** Name of who approved it. */
  readonly approvedBy: string;
  /** What they said to it; may be empty. */
  readonly reason: string;
}

export interface SessionChannel {
  readonly id: number;
  readonly sessionId: number;
  /** In its session, from 1. */
  readonly number: number;
  readonly kind: ChannelKind;
  readonly command: string | null;
  readonly pty: boolean;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  readonly exitStatus: number | null;
  readonly exitSignal: string | null;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface Recording {
  readonly id: number;
  readonly sessionId: number;
  readonly channel: number;
  readonly key: string;
  readonly state: RecordingState;
  /** Bytes; null while it is written. */
  readonly size: number | null;
  /** Seconds; null while it is written. */
  readonly duration: number | null;
  readonly sha256: string | null;
  /** Of output and error that the recorder was handed; null while it is written, or unknown. */
  readonly recordedBytes: number | null;
  /** Who deleted it, and when; null: it is there. */
  readonly removed: { readonly at: Date; readonly by: string } | null;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
}

export interface NewSession {
  readonly userId: number;
  readonly userName: string;
  readonly userEmail: string | null;
  readonly machineId: number;
  readonly machineName: string;
  readonly machineHost: string;
  readonly login: string;
  readonly kind: SessionKind;
  readonly node: string;
  readonly startedAt: Date;
  readonly ipAddress: string;
  readonly userAgent: string;
  readonly approval: SessionApproval | null;
}

export interface SessionEnd {
  readonly endedAt: Date;
  readonly reason: EndReason;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface SessionFilter {
  /** Null: any. */
  readonly statuses: readonly SessionStatus[] | null;
  readonly kind?: SessionKind;
  readonly userId?: number;
  readonly machineId?: number;
  /** On the machines that its services are. */
  readonly stackId?: number;
  /** Started at or after, started before. */
  readonly from?: Date;
  readonly to?: Date;
  /** In the user's, machine's or login's name, or the address; case folded. */
  readonly search?: string;
}

export interface SessionTotals {
  readonly totalSessions: number;
  readonly totalDurationSeconds: number;
  readonly uniqueUsers: number;
  /** Recordings that could not be begun, broke, or missed something, in that time, by their policy. */
  readonly failedRecordings: Readonly<Record<'required' | 'best_effort', number>>;
  readonly topMachines: readonly {
    readonly machineId: number | null;
    readonly name: string;
    readonly sessions: number;
  }[];
}

export type NewChannel = Pick<
  SessionChannel,
  'sessionId' | 'number' | 'kind' | 'command' | 'pty' | 'startedAt'
>;

export type ChannelEnd = Pick<
  SessionChannel,
  'exitStatus' | 'exitSignal' | 'bytesIn' | 'bytesOut'
> & { readonly endedAt: Date };

/** Implemented by store/sessions.ts. Every change of status goes forward only. */
export interface SessionStore {
  create(session: NewSession): Promise<Session>;
  get(id: number): Promise<Session | null>;
  list(filter: SessionFilter, page: PageRequest): Promise<Page<Session>>;
  /** False when it was not pending. */
  activate(id: number, at: Date): Promise<boolean>;
  touch(id: number, at: Date, bytesIn: number, bytesOut: number): Promise<void>;
  /** False when it had ended already: then nothing changed. */
  end(id: number, end: SessionEnd): Promise<boolean>;
  /** Ends everything that this node left pending or active in an earlier life; answers them. */
  sweep(node: string, at: Date): Promise<readonly Session[]>;
  /** Those of these sessions that have ended. */
  endedOf(ids: readonly number[]): Promise<readonly number[]>;
  /** Recordings of this node's sessions, ended or not, that were never closed. */
  unclosedRecordings(node: string): Promise<readonly Recording[]>;
  /** Those of these keys that are no recording's of any node. */
  unlistedRecordings(keys: readonly string[]): Promise<readonly string[]>;
  /** Pending and active ones, of all nodes. */
  live(): Promise<readonly Session[]>;
  /** When the user last began a session, by the id of the machine. */
  lastUsed(userId: number): Promise<ReadonlyMap<number, Date>>;
  totals(from: Date, to: Date): Promise<SessionTotals>;
  channels(sessionId: number): Promise<readonly SessionChannel[]>;
  openChannel(channel: NewChannel): Promise<void>;
  closeChannel(sessionId: number, number: number, end: ChannelEnd): Promise<void>;
  recordings(sessionId: number): Promise<readonly Recording[]>;
  openRecording(recording: {
    readonly sessionId: number;
    readonly channel: number;
    readonly key: string;
    readonly startedAt: Date;
  }): Promise<void>;
  /** Once; the last seal is noted with the end. Answers the key; null: there is no such recording. */
  closeRecording(
    sessionId: number,
    channel: number,
    state: RecordingState,
    receipt: RecordingReceipt | null,
    at: Date,
  ): Promise<string | null>;
  /** What checking a recording has found: `at` when it is not what was sealed, null when it is. */
  recordingChecked(id: number, tamperedAt: Date | null): Promise<void>;
}
