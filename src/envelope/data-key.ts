import { randomBytes } from 'node:crypto';
import { Decrypter, Encrypter, identityToRecipient } from 'age-encryption';

const KEY_BYTES = 32;

/** A new key for the records of one recording. */
export function newDataKey(): Buffer {
  return randomBytes(KEY_BYTES);
}

/**
 * The key as a file of age (age-encryption.org/v1) that each of the recipients can open. Rejects when
 * one of them is none.
 */
export async function wrapDataKey(key: Buffer, recipients: readonly string[]): Promise<Buffer> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return Buffer.from(await encrypter.encrypt(key));
}

/** Null: none of the identities opens it, or it is damaged. */
export async function unwrapDataKey(
  wrapped: Buffer,
  identities: readonly string[],
): Promise<Buffer | null> {
  if (identities.length === 0) return null;
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  const key = await decrypter.decrypt(wrapped).catch(() => null);
  return key?.length === KEY_BYTES ? Buffer.from(key) : null;
}

/** What is encrypted to these recipients, the identities open. */
export function recipientsOf(identities: readonly string[]): Promise<readonly string[]> {
  return Promise.all(identities.map((identity) => identityToRecipient(identity)));
}
