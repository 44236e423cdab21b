import type { TotpPolicy } from './factor.ts';
import type { Page, PageRequest } from './page.ts';
import type { Role } from './role.ts';

/** A person (or a robot) who signs in. */
export interface User {
  readonly id: number;
  readonly name: string;
  readonly email: string | null;
  readonly role: Role;
  readonly disabled: boolean;
  readonly hasPassword: boolean;
  readonly totp: TotpPolicy;
  /** Has a second factor that a first code has confirmed. */
  readonly hasTotp: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface UserKey {
  readonly id: number;
  readonly userId: number;
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`, … as in the blob (RFC 4253 §6.6). */
  readonly algorithm: string;
  /** The public key blob, base64 without line breaks. */
  readonly blob: string;
  /** `SHA256:` and unpadded base64, as ssh-keygen -l prints it. */
  readonly fingerprint: string;
  readonly comment: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
}

export interface Group {
  readonly id: number;
  readonly name: string;
  readonly members: readonly number[];
  /** Seconds that recordings of its members are kept; 0: for ever; null: it does not say. */
  readonly retention: number | null;
  readonly createdAt: Date;
}

export interface NewUser {
  readonly name: string;
  readonly email: string | null;
  readonly role: Role;
  /** As control/password.ts makes it; null: no password. */
  readonly passwordHash: string | null;
  /** Left out: optional. */
  readonly totp?: TotpPolicy;
}

export type NewUserKey = Pick<UserKey, 'algorithm' | 'blob' | 'fingerprint' | 'comment'>;

/** Implemented by store/users.ts. Unknown ids give null or change nothing and answer false. */
export interface UserStore {
  get(id: number): Promise<User | null>;
  getByName(name: string): Promise<User | null>;
  list(filter: { role?: Role; search?: string }, page: PageRequest): Promise<Page<User>>;
  /** Throws `thing.exists` when the name is taken. */
  create(user: NewUser): Promise<User>;
  update(
    id: number,
    change: Partial<NewUser & { readonly disabled: boolean }>,
  ): Promise<User | null>;
  /**
   * Removes the user with keys, memberships, grants and tokens; their sessions keep the name. Throws
   * `thing.in_use` when a grant names them as its approver.
   */
  remove(id: number): Promise<boolean>;
  /** Null: no such user, or one without a password. */
  passwordHash(id: number): Promise<string | null>;
  keys(userId: number): Promise<readonly UserKey[]>;
  /** Throws `thing.exists` when this user has the key already. */
  addKey(userId: number, key: NewUserKey): Promise<UserKey>;
  /** Answers what it was; null: this user has no such key. */
  removeKey(userId: number, keyId: number): Promise<UserKey | null>;
  keyUsed(keyId: number, at: Date): Promise<void>;
}

/** Implemented by store/groups.ts. */
export interface GroupStore {
  get(id: number): Promise<Group | null>;
  getByName(name: string): Promise<Group | null>;
  list(page: PageRequest): Promise<Page<Group>>;
  ofUser(userId: number): Promise<readonly number[]>;
  /** `retention` left out: it does not say. */
  create(name: string, members: readonly number[], retention?: number | null): Promise<Group>;
  setMembers(id: number, members: readonly number[]): Promise<Group | null>;
  setRetention(id: number, retention: number | null): Promise<Group | null>;
  /** Throws `thing.in_use` when a grant names the group. */
  remove(id: number): Promise<boolean>;
}

/**
 * Reads one line of `authorized_keys` (`ssh-ed25519 AAAA… comment`). The problem says what is wrong
 * with it, for people. Implemented by control/public-key.ts.
 */
export type ParsePublicKey = (line: string) => NewUserKey | { readonly problem: string };
