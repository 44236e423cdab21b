/** Hashing of users' passwords. Implemented by control/password.ts. */
export interface Passwords {
  /** A self-describing hash with its own salt. */
  hash(password: string): Promise<string>;
  /** Takes as long for a null hash (no such user, no password) as for a real one. */
  verify(password: string, hash: string | null): Promise<boolean>;
}

/** A password must have at least this many characters, and at most MAX_PASSWORD bytes. */
export const MIN_PASSWORD = 8;
export const MAX_PASSWORD = 1024;
