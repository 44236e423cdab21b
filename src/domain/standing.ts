import type { CertificateAuthority, CertificateProof } from './certificate.ts';
import type { TotpPolicy } from './factor.ts';
import type { Grant } from './grant.ts';
import type { Machine } from './machine.ts';

/** What is known of a user when access is decided. */
export interface Account {
  readonly userId: number;
  readonly email: string | null;
  readonly disabled: boolean;
  readonly groups: readonly number[];
  /** Of the user's keys, those that are not revoked. */
  readonly keyIds: readonly number[];
  /** Changes whenever the password does (control/sign-in.ts makes the same); null: no password. */
  readonly passwordStamp: string | null;
  readonly totp: TotpPolicy;
  /** When the second factor was confirmed, in milliseconds since 1970; null: there is none. */
  readonly enrolled: number | null;
}

/** Everything that decisions about some users rest on, as it stood at one moment. */
export interface Standing {
  /** Of the users asked for, those that are there. */
  readonly accounts: readonly Account[];
  /** To these users, and to the groups they are in. */
  readonly grants: readonly Grant[];
  /** Of the machines asked for, those that are there. */
  readonly machines: readonly Machine[];
  /** That certified one of the certificates asked for, and are trusted. */
  readonly authorities: readonly CertificateAuthority[];
  /** Of the certificates asked for, those that are revoked: the same objects. */
  readonly revoked: readonly CertificateProof[];
}

/** Implemented by store/standing.ts. */
export interface StandingStore {
  /** One query, however many are asked for. */
  of(
    userIds: readonly number[],
    machineIds: readonly number[],
    certificates: readonly CertificateProof[],
  ): Promise<Standing>;
}
