import type { Capability } from './capability.ts';
import type { Page, PageRequest } from './page.ts';

/**
 * An OpenSSH certificate as it says itself (PROTOCOL.certkeys), read and with its authority's
 * signature verified; whether that authority is trusted is for the control plane to say.
 */
export interface CertificateFacts {
  readonly type: 'user' | 'host';
  /** uint64, in decimal. */
  readonly serial: string;
  readonly keyId: string;
  readonly principals: readonly string[];
  /** Seconds since 1970. */
  readonly validAfter: number;
  /** Seconds since 1970, the first at which it holds no more; null: for ever. */
  readonly validBefore: number | null;
  /** By name; null: an option without a value. A value is never malformed. */
  readonly criticalOptions: Readonly<Record<string, string | null>>;
  /** The names of its extensions. */
  readonly extensions: readonly string[];
  /** `SHA256:…` of the plain key that is certified. */
  readonly keyFingerprint: string;
  /** The authority's public key, base64, and its `SHA256:…`. */
  readonly authority: { readonly blob: string; readonly fingerprint: string };
}

/** What a session that a certificate signed in goes on resting on. */
export type CertificateProof = Pick<
  CertificateFacts,
  'serial' | 'keyId' | 'principals' | 'keyFingerprint' | 'authority'
>;

/** What a certificate allows less than its user's grants, for one who signed in with it. */
export interface CertificateTerms {
  readonly keyId: string;
  readonly serial: string;
  /** Runs instead of whatever is asked for; null: what is asked for runs. */
  readonly forceCommand: string | null;
  readonly pty: boolean;
  /** Capabilities that no grant can give to this sign-in. */
  readonly withheld: readonly Capability[];
}

/** Types of keys that an authority may have: none on a token, as nobody touches one for each. */
export const AUTHORITY_KEYS: readonly string[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
];

/** The user names that sign in by a principal besides the name that is equal to it. */
export type PrincipalMap = Readonly<Record<string, readonly string[]>>;

/** Who may certify users' keys. */
export interface CertificateAuthority {
  readonly id: number;
  readonly name: string;
  readonly algorithm: string;
  /** The public key blob, base64. */
  readonly blob: string;
  readonly fingerprint: string;
  /** Whether a principal is also the name of the user that it stands for. */
  readonly matchUserName: boolean;
  readonly principals: PrincipalMap;
  readonly createdAt: Date;
}

export type NewCertificateAuthority = Omit<CertificateAuthority, 'id' | 'createdAt'>;

/** Implemented by store/authorities.ts. */
export interface AuthorityStore {
  get(id: number): Promise<CertificateAuthority | null>;
  getByName(name: string): Promise<CertificateAuthority | null>;
  getByBlob(blob: string): Promise<CertificateAuthority | null>;
  list(page: PageRequest): Promise<Page<CertificateAuthority>>;
  /** Throws `thing.exists` when the name or the key is there already. */
  create(authority: NewCertificateAuthority): Promise<CertificateAuthority>;
  update(
    id: number,
    change: Partial<Omit<NewCertificateAuthority, 'name'>>,
  ): Promise<CertificateAuthority | null>;
  remove(id: number): Promise<boolean>;
}

/**
 * What is revoked: one key whatever holds it (a user's, a certificate's, an authority's), or the
 * certificates of a serial or key id.
 */
export const REVOCATION_KINDS = ['fingerprint', 'serial', 'key_id'] as const;

export type RevocationKind = (typeof REVOCATION_KINDS)[number];

export interface NewRevocation {
  readonly kind: RevocationKind;
  /** `SHA256:…`, a serial in decimal or a range of them (`5-900`, both included), or a key id. */
  readonly value: string;
  /**
   * The fingerprint of the authority whose certificates are meant, so that the revocation outlives
   * its removal; null: any authority's.
   */
  readonly authority: string | null;
  readonly reason: string;
}

export interface Revocation extends NewRevocation {
  readonly id: number;
  readonly createdAt: Date;
}

/** What is presented, to be looked for among what is revoked. */
export interface Presented {
  readonly fingerprints: readonly string[];
  readonly certificate: {
    readonly serial: string;
    readonly keyId: string;
    readonly authority: string;
  } | null;
}

/** Implemented by store/revocations.ts. */
export interface RevocationStore {
  /** Whether anything of it is revoked; one query, whatever is presented. */
  covers(presented: Presented): Promise<boolean>;
  list(page: PageRequest): Promise<Page<Revocation>>;
  /** Throws `thing.exists` when it is revoked already. */
  create(revocation: NewRevocation): Promise<Revocation>;
  /** Leaves out those that are there; answers how many were not. */
  createMissing(revocations: readonly NewRevocation[]): Promise<number>;
  /** Answers what it was; null: there is none such. */
  remove(id: number): Promise<Revocation | null>;
}
