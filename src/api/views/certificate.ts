import { z } from '@hono/zod-openapi';
import {
  type CertificateAuthority,
  REVOCATION_KINDS,
  type Revocation,
} from '../../domain/certificate.ts';
import { formatId } from '../../domain/ids.ts';
import { isoTime, outId, outTime } from '../fields.ts';

export const authoritySchema = z
  .object({
    id: outId('ca'),
    name: z.string(),
    algorithm: z.string(),
    key: z.string().openapi({ description: 'The public key, as a line without a comment' }),
    fingerprint: z.string(),
    match_user_name: z.boolean(),
    principals: z.record(z.string(), z.array(z.string())),
    created_at: outTime,
  })
  .openapi('UserCertificateAuthority');

export function authorityView(authority: CertificateAuthority): z.infer<typeof authoritySchema> {
  const { algorithm, principals } = authority;
  return {
    id: formatId('ca', authority.id),
    name: authority.name,
    algorithm,
    key: `${algorithm} ${authority.blob}`,
    fingerprint: authority.fingerprint,
    match_user_name: authority.matchUserName,
    principals: Object.fromEntries(
      Object.entries(principals).map(([principal, users]) => [principal, [...users]]),
    ),
    created_at: isoTime(authority.createdAt),
  };
}

export const revocationSchema = z
  .object({
    id: outId('rvk'),
    kind: z.enum(REVOCATION_KINDS),
    value: z.string(),
    authority: z
      .string()
      .nullable()
      .openapi({ description: 'Fingerprint of the authority that is meant; null: any' }),
    reason: z.string(),
    created_at: outTime,
  })
  .openapi('Revocation');

export function revocationView(revocation: Revocation): z.infer<typeof revocationSchema> {
  const { kind, value, authority, reason } = revocation;
  return {
    id: formatId('rvk', revocation.id),
    kind,
    value,
    authority,
    reason,
    created_at: isoTime(revocation.createdAt),
  };
}
