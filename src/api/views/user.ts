import { z } from '@hono/zod-openapi';
import { ACCESS_LEVELS } from '../../domain/access-level.ts';
import { formatId } from '../../domain/ids.ts';
import { ROLES, SCOPES, scopesOfRole } from '../../domain/role.ts';
import type { User, UserKey } from '../../domain/user.ts';
import { isoTime, isoTimeOrNull, outId, outTime, totp } from '../fields.ts';

export const userSchema = z
  .object({
    id: outId('usr'),
    name: z.string(),
    email: z.string().nullable(),
    role: z.enum(ROLES),
    disabled: z.boolean(),
    has_password: z.boolean(),
    totp,
    totp_enrolled: z.boolean(),
    permissions: z.array(z.enum(SCOPES)),
    created_at: outTime,
    updated_at: outTime,
  })
  .openapi('User');

export const userDetailSchema = userSchema
  .extend({
    machine_access: z.array(
      z.object({
        machine_id: outId('mch'),
        name: z.string(),
        access_level: z.enum(ACCESS_LEVELS),
      }),
    ),
  })
  .openapi('UserDetail');

export const keySchema = z
  .object({
    id: outId('key'),
    algorithm: z.string(),
    public_key: z.string(),
    fingerprint: z.string(),
    comment: z.string(),
    created_at: outTime,
    last_used_at: outTime.nullable(),
  })
  .openapi('UserKey');

export function userView(user: User): z.infer<typeof userSchema> {
  return {
    id: formatId('usr', user.id),
    name: user.name,
    email: user.email,
    role: user.role,
    disabled: user.disabled,
    has_password: user.hasPassword,
    totp: user.totp,
    totp_enrolled: user.hasTotp,
    permissions: [...scopesOfRole(user.role)],
    created_at: isoTime(user.createdAt),
    updated_at: isoTime(user.updatedAt),
  };
}

export function keyView(key: UserKey): z.infer<typeof keySchema> {
  return {
    id: formatId('key', key.id),
    algorithm: key.algorithm,
    public_key: `${key.algorithm} ${key.blob}`,
    fingerprint: key.fingerprint,
    comment: key.comment,
    created_at: isoTime(key.createdAt),
    last_used_at: isoTimeOrNull(key.lastUsedAt),
  };
}
