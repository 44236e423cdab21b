import { Secret as OtpSecret, TOTP } from 'otpauth';

/** RFC 6238 with what every authenticator app takes: SHA-1, six digits, thirty seconds. */
const SHAPE = { algorithm: 'SHA1', digits: 6, period: 30 } as const;

/** Steps before and after now whose codes are taken: clocks differ (RFC 6238 §5.2). */
const WINDOW = 1;

/** As long as the output of SHA-1 (RFC 4226 §4). */
const SECRET_BYTES = 20;

/** Random bytes in base32, without padding. */
export function randomBase32(bytes: number): string {
  return new OtpSecret({ size: bytes }).base32;
}

/** A new secret, base32. */
export function newTotpSecret(): string {
  return randomBase32(SECRET_BYTES);
}

/**
 * The step (the number of periods since 1970) around `at` whose code this is; null: of none. Spaces
 * in the code do not matter, for apps show them.
 */
export function stepOfCode(secret: string, code: string, at: Date): number | null {
  const totp = new TOTP({ ...SHAPE, secret });
  const [token, timestamp] = [code.replace(/\s/g, ''), at.getTime()];
  if (!/^[0-9]{6}$/.test(token)) return null;
  const delta = totp.validate({ token, timestamp, window: WINDOW });
  return delta === null ? null : totp.counter({ timestamp }) + delta;
}

/**
 * What authenticator apps read from a QR code (the "Key URI Format" of Google Authenticator). Names
 * none of the defaults that the library names: with them the code is taller, and terminals have 24 lines.
 */
export function otpauthUri(secret: string, userName: string, issuer: string): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(userName)}`;
  return `otpauth://totp/${label}?secret=${secret}&issuer=${encodeURIComponent(issuer)}`;
}
