import { z } from '@hono/zod-openapi';
import { CAPABILITIES } from '../domain/capability.ts';
import { isForwardTo } from '../domain/forward.ts';
import { login, orNull, time, userName } from './fields.ts';

const forwardTo = z
  .string()
  .max(300)
  .refine(isForwardTo, 'must be HOST:PORT, CIDR:PORT, *:PORT or unix:PATH');

const network = z.union([z.cidrv4(), z.cidrv6()], {
  error: 'is not a network: 10.0.0.0/8, 2001:db8::/32',
});

const seconds = z
  .int()
  .min(1)
  .max(365 * 86_400)
  .nullable()
  .openapi({ description: 'Seconds; null: no limit' });

/** What a grant gives, in the API and in a set-up alike. */
export const termsFields = {
  logins: z.array(login).max(100),
  allow: z.array(z.enum(CAPABILITIES)).max(CAPABILITIES.length),
  forward_to: z.array(forwardTo).max(100),
  from_networks: z.array(network).max(100),
  until: orNull(time),
  max_session: seconds,
  idle_timeout: seconds,
  mfa: z.boolean().openapi({ description: 'For whoever has given a verification code alone' }),
  end_on_alert: z.boolean().openapi({ description: 'Whether an alert ends its sessions' }),
  shell_integration: z.boolean().openapi({
    description: 'Whether marks are put into its shells on machines whose shell is said',
  }),
};

/** What a grant is with one word, and is not where nothing is said. */
export const flagFields = {
  mfa: termsFields.mfa.default(false),
  end_on_alert: termsFields.end_on_alert.default(false),
  shell_integration: termsFields.shell_integration.default(false),
};

/** The same of a grant that is there. */
export const flagViews = {
  mfa: z.boolean(),
  end_on_alert: z.boolean(),
  shell_integration: z.boolean(),
};

interface TermsAsked {
  readonly logins: readonly string[];
  readonly allow: readonly (typeof CAPABILITIES)[number][];
  readonly forward_to: readonly string[];
  readonly from_networks: readonly string[];
  readonly until: Date | null;
  readonly max_session: number | null;
  readonly idle_timeout: number | null;
  readonly mfa: boolean;
  readonly end_on_alert: boolean;
  readonly shell_integration: boolean;
}

/** What `POST /v1/setup` has of an approval: names. */
export const setupApproval = z
  .strictObject({
    by: z.union([z.strictObject({ user: userName }), z.strictObject({ group: userName })], {
      error: 'must be {"user": NAME} or {"group": NAME}',
    }),
  })
  .nullable()
  .default(null);

export function termsOf(asked: TermsAsked) {
  return {
    logins: asked.logins,
    allow: asked.allow,
    forwardTo: asked.forward_to,
    fromNetworks: asked.from_networks,
    until: asked.until,
    maxSession: asked.max_session,
    idleTimeout: asked.idle_timeout,
    mfa: asked.mfa,
    endOnAlert: asked.end_on_alert,
    shellIntegration: asked.shell_integration,
  };
}
