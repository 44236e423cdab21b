import { randomBytes } from 'node:crypto';
import { Secret } from '../domain/secret.ts';
import type { Stores } from '../domain/store.ts';
import { mayCertify } from './certificates.ts';
import { allRows } from './setup-work.ts';

const PASSWORD_BYTES = 18;

/**
 * The password of a container session, for an owner who has no key; null: their keys or certificates are asked
 * for. Who has no password either signs in with certificates alone, where an authority's may stand for them: a
 * password, be it for one sign-in, would be a way past that authority.
 */
export async function oneTimePassword(
  { users, authorities }: Pick<Stores, 'users' | 'authorities'>,
  userId: number,
): Promise<Secret | null> {
  const account = await users.get(userId);
  if (account === null || (await users.keys(userId)).length > 0) return null;
  if (!account.hasPassword) {
    const all = await allRows((page) => authorities.list(page));
    if (all.some((authority) => mayCertify(authority, account.name))) return null;
  }
  return new Secret(randomBytes(PASSWORD_BYTES).toString('base64url'));
}
