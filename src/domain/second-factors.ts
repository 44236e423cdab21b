import type { SignedIn } from './control-plane.ts';
import type { Enrolment, FactorNeed } from './factor.ts';

/** What came of a code; `method` and `reason` are for the audit. */
export type CodeVerdict =
  | {
      readonly outcome: 'right';
      readonly method: 'totp' | 'enrolment' | 'recovery_code';
      /** As `Account.enrolled`. */
      readonly enrolled: number;
      /** To be shown now and never again; empty unless this code confirmed the enrolment. */
      readonly recoveryCodes: readonly string[];
    }
  | { readonly outcome: 'wrong'; readonly reason: 'code' | 'penalty' };

type Who = Pick<SignedIn, 'userId' | 'userName'>;

/** The second factor as the console asks for it. Implemented by control/second-factor.ts. */
export interface SecondFactors {
  /** What the console asks of this user: a code of whoever has one or must have one. */
  needAtConsole(userId: number): Promise<FactorNeed>;
  /** A new secret for a user without a confirmed one; throws `access.nothing` for others. */
  begin(user: Who): Promise<Enrolment>;
  /** Counts as an attempt to sign in; a code is good once. */
  check(user: Who, code: string, address: string): Promise<CodeVerdict>;
}
