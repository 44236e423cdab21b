import type { Page, PageRequest } from './page.ts';
import type { Scope } from './role.ts';

/** `api`: made by hand, for scripts; `web`: a signed-in browser; `bootstrap`: DATA_DIR/admin-token. */
export type TokenKind = 'api' | 'web' | 'bootstrap';

export interface Token {
  readonly id: number;
  /** Null: the bootstrap token, which is nobody's. */
  readonly userId: number | null;
  readonly kind: TokenKind;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
}

export interface NewToken {
  readonly userId: number | null;
  readonly kind: TokenKind;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expiresAt: Date | null;
  /** SHA-256 of the token, hex: the token itself is shown once and never stored. */
  readonly hash: string;
}

/** Implemented by store/tokens.ts. */
export interface TokenStore {
  create(token: NewToken): Promise<Token>;
  /** Null: unknown, revoked or expired at `now`. */
  getByHash(hash: string, now: Date): Promise<Token | null>;
  /** Kind `api` alone; of one user, or of all. */
  list(userId: number | null, page: PageRequest): Promise<Page<Token>>;
  used(id: number, at: Date): Promise<void>;
  /** Removes it, and answers what it was; null when there is none. */
  revoke(id: number): Promise<Token | null>;
  /** Removes every token of this kind and name. */
  revokeNamed(kind: TokenKind, name: string): Promise<void>;
  /** A one-time sign-in link for the console. */
  createSignIn(link: { hash: string; userId: number; expiresAt: Date }): Promise<void>;
  /** Uses the link up: the user's id once, null ever after, and when it has expired. */
  useSignIn(hash: string, now: Date): Promise<number | null>;
}
