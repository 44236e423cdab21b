import { z } from '@hono/zod-openapi';
import type { RevocationKind } from '../domain/certificate.ts';

/**
 * A value of any kind. A key id is whatever an authority wrote into a certificate, nothing and control
 * characters too; what is refused here could not be read from one (ssh/certificate.ts), nor stored.
 */
export const revocationValue = z
  .string()
  .max(1024, 'must have at most 1024 characters')
  .refine((value) => !value.includes('\0') && value.isWellFormed(), 'must be UTF-8 without NUL');

export const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}$/;
const SERIALS = /^(0|[1-9][0-9]{0,19})(?:-([1-9][0-9]{0,19}))?$/;
const LARGEST_SERIAL = 2n ** 64n - 1n;

/** Why a value could never be found; null: it could. */
export function valueProblem(kind: RevocationKind, value: string): string | null {
  switch (kind) {
    case 'fingerprint':
      return FINGERPRINT.test(value) ? null : 'is no fingerprint: SHA256:… of ssh-keygen -l';
    case 'serial':
      return areSerials(value)
        ? null
        : 'must be a whole number from 0 to 18446744073709551615, or FIRST-LAST';
    case 'key_id':
      return null;
    default:
      return kind satisfies never;
  }
}

function areSerials(value: string): boolean {
  const [, first, last] = SERIALS.exec(value) ?? [];
  if (first === undefined || BigInt(first) > LARGEST_SERIAL) return false;
  if (last === undefined) return true;
  return BigInt(first) < BigInt(last) && BigInt(last) <= LARGEST_SERIAL;
}
