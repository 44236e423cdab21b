import { generateIdentity, identityToRecipient } from 'age-encryption';

/** A pair of keys of age. */
export interface AgeKeys {
  readonly identity: string;
  readonly recipient: string;
}

export async function newAgeKeys(): Promise<AgeKeys> {
  const identity = await generateIdentity();
  return { identity, recipient: await identityToRecipient(identity) };
}
