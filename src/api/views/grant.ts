import { z } from '@hono/zod-openapi';
import { ACCESS_LEVELS } from '../../domain/access-level.ts';
import { CAPABILITIES } from '../../domain/capability.ts';
import type { Grant, GrantOn, GrantTo } from '../../domain/grant.ts';
import { formatId } from '../../domain/ids.ts';
import { isoTime, isoTimeOrNull, outId, outTime } from '../fields.ts';
import { flagViews } from '../grant-fields.ts';
import type { NamesOf } from '../names-of.ts';
import { namedSchema } from './named.ts';

const whoSchema = z.object({
  user: namedSchema('usr').optional(),
  group: namedSchema('grp').optional(),
});

export const grantSchema = z
  .object({
    id: outId('grt'),
    to: whoSchema,
    on: z.object({
      machine: namedSchema('mch').optional(),
      stack: namedSchema('stk').optional(),
      tag: z.object({ key: z.string(), value: z.string() }).optional(),
    }),
    logins: z.array(z.string()),
    allow: z.array(z.enum(CAPABILITIES)),
    forward_to: z.array(z.string()),
    from_networks: z.array(z.string()),
    until: outTime.nullable(),
    max_session: z.int().nullable(),
    idle_timeout: z.int().nullable(),
    ...flagViews,
    approval: z.object({ by: whoSchema }).nullable(),
    level: z
      .enum(ACCESS_LEVELS)
      .nullable()
      .openapi({ description: 'What it was given as; null: it was made with its terms' }),
    created_at: outTime,
  })
  .openapi('Grant');

export async function grantView(
  grant: Grant,
  names: NamesOf,
): Promise<z.infer<typeof grantSchema>> {
  const { to, on, approval } = grant;
  const named = async (one: GrantTo) =>
    'userId' in one
      ? { user: await names.user(one.userId) }
      : { group: await names.group(one.groupId) };
  return {
    id: formatId('grt', grant.id),
    to: await named(to),
    on: await onView(on, names),
    logins: [...grant.logins],
    allow: [...grant.allow],
    forward_to: [...grant.forwardTo],
    from_networks: [...grant.fromNetworks],
    until: isoTimeOrNull(grant.until),
    max_session: grant.maxSession,
    idle_timeout: grant.idleTimeout,
    mfa: grant.mfa,
    end_on_alert: grant.endOnAlert,
    shell_integration: grant.shellIntegration,
    approval: approval === null ? null : { by: await named(approval) },
    level: grant.level,
    created_at: isoTime(grant.createdAt),
  };
}

async function onView(on: GrantOn, names: NamesOf) {
  if ('machineId' in on) return { machine: await names.machine(on.machineId) };
  return 'stackId' in on ? { stack: await names.stack(on.stackId) } : { tag: on.tag };
}
