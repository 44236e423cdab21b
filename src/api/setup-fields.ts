import { z } from '@hono/zod-openapi';
import { MOST_ALERT_RULES } from '../domain/alert.ts';
import { ROLES } from '../domain/role.ts';
import { SEARCH_KINDS } from '../domain/search.ts';
import type { Setup, SetupMachine } from '../domain/setup.ts';
import type { NewUserKey, ParsePublicKey } from '../domain/user.ts';
import {
  authorityKey,
  authorityKeyField,
  matchUserNameField,
  principalsField,
} from './authority-fields.ts';
import { refuse } from './errors.ts';
import { lines, login, machineName, password, text, totp, userName } from './fields.ts';
import { flagFields, setupApproval, termsFields, termsOf } from './grant-fields.ts';
import {
  algorithmsField,
  authField,
  descriptionField,
  hostField,
  hostKeyField,
  hostKeyPolicyField,
  indexField,
  kindField,
  portField,
  recordInputField,
  recordingField,
  retentionField,
  shellIntegrationField,
  tagKey,
  tagsField,
} from './machine-fields.ts';
import { containerField, credentialOf, engineField, reachOf, shellField } from './machine-reach.ts';
import { loginOf, podFields } from './pod-reach.ts';
import { setupStack, stackOf } from './stack-fields.ts';

/** The most things of one kind in one set-up. */
const MOST = 5000;

const setupUser = z.strictObject({
  name: userName,
  email: z.email('is not an e-mail address').max(254).nullable(),
  role: z.enum(ROLES),
  keys: z.array(lines(20_000).min(1)).max(100),
  password: password.nullable(),
  totp: totp.default('optional'),
});

const setupMachine = z.strictObject({
  name: machineName,
  kind: kindField,
  host: hostField.optional(),
  port: portField.optional(),
  login,
  auth: authField.optional(),
  jump: machineName.nullable().optional(),
  host_key: hostKeyField.nullable().optional(),
  host_key_policy: hostKeyPolicyField.optional(),
  algorithms: algorithmsField.optional(),
  engine: engineField.optional(),
  container: containerField.nullable().optional(),
  shell: shellField.optional(),
  ...podFields,
  recording: recordingField,
  retention: retentionField.default(null),
  index: indexField.default(true),
  record_input: recordInputField.default(false),
  shell_integration: shellIntegrationField.default(null),
  tags: tagsField,
  description: descriptionField,
});

const setupGrant = z.strictObject({
  to: z.union([z.strictObject({ user: userName }), z.strictObject({ group: userName })], {
    error: 'must be {"user": NAME} or {"group": NAME}',
  }),
  on: z.union(
    [
      z.strictObject({ machine: machineName }),
      z.strictObject({ stack: machineName }),
      z.strictObject({ tag: z.strictObject({ key: tagKey, value: text(200) }) }),
    ],
    { error: 'must be {"machine": NAME}, {"stack": NAME} or {"tag": {"key": …, "value": …}}' },
  ),
  ...termsFields,
  approval: setupApproval,
  ...flagFields,
});

/** `SetupRequest` of domain/setup.ts, checked. */
export const setupSchema = z.strictObject({
  users: z.array(setupUser).max(MOST).default([]),
  groups: z

    .array(
      z.strictObject({
        name: userName,
        members: z.array(userName).max(MOST),
        retention: retentionField.default(null),
      }),
    )
    .max(MOST)
    .default([]),
  machines: z.array(setupMachine).max(MOST).default([]),
  grants: z.array(setupGrant).max(MOST).default([]),
  certificate_authorities: z
    .array(
      z.strictObject({
        name: machineName,
        key: authorityKeyField,
        match_user_name: matchUserNameField,
        principals: principalsField,
      }),
    )
    .max(MOST)
    .optional(),
  alerts: z
    .array(
      z.strictObject({
        name: machineName,
        pattern: text(500).min(1),
        kind: z.enum(SEARCH_KINDS).nullable(),
        machine: machineName.nullable(),
        group: userName.nullable(),
      }),
    )
    .max(MOST_ALERT_RULES)
    .optional(),
  stacks: z.array(setupStack).max(MOST).optional(),
  dry_run: z.boolean().default(false),
  prune: z.boolean().default(false),
});

function keyOf(parse: ParsePublicKey, line: string, field: string): NewUserKey {
  const key = parse(line);
  if ('problem' in key) refuse(field, key.problem);
  return key;
}

function machineOf(
  machine: z.infer<typeof setupMachine>,
  at: number,
  parse: ParsePublicKey,
): SetupMachine {
  const names = { before: `machines[${at}].`, jump: 'jump' };
  const { host_key: hostKey, host_key_policy: hostKeyPolicy, ...rest } = machine;
  const reached = { ...rest, hostKey, hostKeyPolicy };
  return {
    ...reachOf(reached, names, parse),
    credential: credentialOf(reached, names),
    name: machine.name,
    login: loginOf(machine.kind, machine.login, `${names.before}login`),
    recording: machine.recording,
    retention: machine.retention,
    indexed: machine.index,
    recordInput: machine.record_input,
    shellIntegration: machine.shell_integration,
    tags: machine.tags,
    description: machine.description,
  };
}

/** Throws `request.invalid` naming the line of a key that cannot be read. */
export function setupOf(asked: z.infer<typeof setupSchema>, parse: ParsePublicKey): Setup {
  return {
    users: asked.users.map((user, at) => ({
      ...user,
      keys: user.keys.map((line, n) => keyOf(parse, line, `users[${at}].keys[${n}]`)),
    })),
    groups: asked.groups,
    machines: asked.machines.map((machine, at) => machineOf(machine, at, parse)),
    grants: asked.grants.map((grant) => ({
      to: grant.to,
      on: grant.on,
      approval: grant.approval?.by ?? null,
      ...termsOf(grant),
    })),
    ...(asked.alerts !== undefined && { alerts: asked.alerts }),
    ...(asked.stacks !== undefined && { stacks: asked.stacks.map(stackOf) }),
    ...(asked.certificate_authorities !== undefined && {
      certificateAuthorities: asked.certificate_authorities.map((each, at) => ({
        name: each.name,
        ...authorityKey(parse, each.key, `certificate_authorities[${at}].key`),
        matchUserName: each.match_user_name,
        principals: each.principals,
      })),
    }),
  };
}
