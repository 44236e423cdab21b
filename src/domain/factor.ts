import type { Secret } from './secret.ts';

/** Whether a user must always prove a second factor, or only where a grant demands it. */
export const TOTP_POLICIES = ['required', 'optional'] as const;
export type TotpPolicy = (typeof TOTP_POLICIES)[number];

/** What is still to be asked of a user whose first factor was right. */
export type FactorNeed = 'none' | 'code' | 'enrol';

/** What an authenticator app needs; shown until its first code confirms it. */
export interface Enrolment {
  /** `otpauth://totp/…`, which the app reads from a QR code. */
  readonly uri: string;
  /** Base32, to be typed instead. */
  readonly secret: string;
}

/** The longest answer to the question for a code that is looked at, in UTF-16 units. */
export const MAX_CODE = 64;

/** A user's second factor as it is kept. */
export interface StoredFactor {
  /** Base32. */
  readonly secret: Secret;
  /** Null: begun, and not in force. */
  readonly confirmedAt: Date | null;
}

/** What the first right code makes of a second factor. */
export interface Confirmed {
  readonly at: Date;
  /** The step whose code it was, which is used up. */
  readonly step: number;
  readonly recoveryHashes: readonly string[];
}

/** Implemented by store/factors.ts. Unknown users have nothing, and change nothing. */
export interface FactorStore {
  /** Null: none was begun. Throws `vault.totp` when it cannot be opened. */
  get(userId: number): Promise<StoredFactor | null>;
  /** Begins an enrolment in the place of one not confirmed; false when there is a confirmed one. */
  begin(userId: number, secret: Secret): Promise<boolean>;
  /** Makes the begun one count, once: false when there is none to confirm. */
  confirm(userId: number, confirmed: Confirmed): Promise<boolean>;
  /** Uses a step's code up: false when it, or a later one, has been used. */
  use(userId: number, step: number): Promise<boolean>;
  /** Uses a recovery code up: false when it is none, or has been used. */
  useRecovery(userId: number, hash: string): Promise<boolean>;
  /** Takes secret and recovery codes away; false when there were none. */
  reset(userId: number): Promise<boolean>;
  /** Notes a sign-in to the console that waits for its code. */
  wait(half: { hash: string; userId: number; expiresAt: Date }): Promise<void>;
  /** Whose it is; null when it is none, or has expired. */
  waiting(hash: string, now: Date): Promise<number | null>;
  /** Uses it up; false when it was none. */
  done(hash: string): Promise<boolean>;
}
