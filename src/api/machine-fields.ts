import { z } from '@hono/zod-openapi';
import {
  HOST_KEY_POLICIES,
  MACHINE_ALGORITHMS,
  MACHINE_KINDS,
  type MachineCredential,
} from '../domain/machine.ts';
import { RECORDING_POLICIES } from '../domain/recording.ts';
import { LONGEST_RETENTION } from '../domain/retention.ts';
import { Secret } from '../domain/secret.ts';
import { MARKED_SHELLS } from '../domain/shell-integration.ts';
import type { ParsePublicKey } from '../domain/user.ts';
import { refuse } from './errors.ts';
import { lines, text } from './fields.ts';

export const kindField = z
  .enum(MACHINE_KINDS, { error: `must be one of ${MACHINE_KINDS.join(', ')}` })
  .openapi({ description: 'What the machine is' });

export const hostField = z
  .string()
  .regex(/^[A-Za-z0-9._:%[\]-]{1,253}$/, 'is not a host name or an address');

export const portField = z.int().min(1).max(65535);

const TAG_KEY = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/;

export const tagsField = z
  .record(
    z.string().regex(TAG_KEY, 'must be 1 to 63 letters, digits, ".", "_", "/" or "-"'),
    text(200),
  )
  .refine((tags) => Object.keys(tags).length <= 64, 'must be at most 64');

export const tagKey = z.string().regex(TAG_KEY, 'is not the key of a tag');
export const descriptionField = z
  .string()
  .max(1000)
  .refine((value) => !value.includes('\0'), 'must not have NUL');
export const recordingField = z.enum(RECORDING_POLICIES);
export const recordInputField = z.boolean().openapi({
  description: 'Record what users type under a terminal too, as far as it was echoed',
});

export const retentionField = z.int().min(0).max(LONGEST_RETENTION).nullable().openapi({
  description: "Seconds that recordings are kept; 0: for ever; null: as the bastion's setting says",
});
export const shellIntegrationField = z.enum(MARKED_SHELLS).nullable().openapi({
  description:
    'The shell that its logins have, for the marks that grants let be put in; null: not said',
});
export const indexField = z.boolean().openapi({
  description: 'Whether what is recorded on it can be searched',
});
export const hostKeyPolicyField = z.enum(HOST_KEY_POLICIES);
export const algorithmsField = z.enum(MACHINE_ALGORITHMS);
export const hostKeyField = z.string().max(20_000);

const MOST_SECRET = 64 * 1024;

/** What Postern logs in with. Goes in, never comes out. */
export const authField = z
  .discriminatedUnion(
    'type',
    [
      z.strictObject({ type: z.literal('key'), private_key: lines(MOST_SECRET).min(1) }),
      z.strictObject({ type: z.literal('password'), password: text(MOST_SECRET).min(1) }),
      z.strictObject({ type: z.literal('bastion_key') }),
      z.strictObject({ type: z.literal('certificate') }),
      z.strictObject({ type: z.literal('agent') }),
      z.strictObject({ type: z.literal('none') }),
    ],
    { error: 'must be key, password, bastion_key, certificate, agent or none' },
  )
  .transform(credentialOf);

function credentialOf(
  auth:
    | { type: 'key'; private_key: string }
    | { type: 'password'; password: string }
    | { type: 'bastion_key' }
    | { type: 'certificate' }
    | { type: 'agent' }
    | { type: 'none' },
): MachineCredential {
  switch (auth.type) {
    case 'key':
      return { type: 'key', privateKey: new Secret(auth.private_key) };
    case 'password':
      return { type: 'password', password: new Secret(auth.password) };
    default:
      return { type: auth.type };
  }
}

/** `ALGORITHM BASE64` of a host key's line, without its comment. Throws `request.invalid`. */
export function pinnedKey(parse: ParsePublicKey, line: string | null, field: string) {
  if (line === null) return null;
  const key = parse(line);
  if ('problem' in key) refuse(field, key.problem);
  if (key.algorithm.startsWith('sk-'))
    refuse(field, 'is a key on a security token: no host has one');
  return `${key.algorithm} ${key.blob}`;
}
