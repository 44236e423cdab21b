import { z } from '@hono/zod-openapi';
import { AUTHORITY_KEYS, type NewCertificateAuthority } from '../domain/certificate.ts';
import type { ParsePublicKey } from '../domain/user.ts';
import { refuse } from './errors.ts';
import { text, userName } from './fields.ts';

/** Principals of one authority, and users of one principal. */
const MOST = 1000;

export const principalsField = z
  .record(text(256).min(1), z.array(userName).min(1).max(MOST))
  .refine((map) => Object.keys(map).length <= MOST, `must have at most ${MOST} principals`)
  .openapi({ description: 'For each principal the names of the users whom it lets in' });

export const matchUserNameField = z
  .boolean()
  .openapi({ description: 'Whether a principal that is the name of a user lets that user in' });

/** A line as in `authorized_keys`. */
export const authorityKeyField = z.string().min(1).max(20_000);

/** Throws `request.invalid` naming `field` for what is no key that an authority may have. */
export function authorityKey(
  parse: ParsePublicKey,
  line: string,
  field: string,
): Pick<NewCertificateAuthority, 'algorithm' | 'blob' | 'fingerprint'> {
  const key = parse(line);
  if ('problem' in key) refuse(field, key.problem);
  const { algorithm, blob, fingerprint } = key;
  if (!AUTHORITY_KEYS.includes(algorithm)) {
    refuse(field, `is of type ${algorithm}; an authority may have ${AUTHORITY_KEYS.join(', ')}`);
  }
  return { algorithm, blob, fingerprint };
}
