import { z } from '@hono/zod-openapi';
import type { SetupChange } from '../../domain/setup.ts';
import { checkPatternIn } from '../alert-pattern.ts';
import { type Api, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, json, success } from '../envelope.ts';
import { body } from '../fields.ts';
import { guarded } from '../guard.ts';
import { recount } from '../recount.ts';
import { setupOf, setupSchema } from '../setup-fields.ts';

const ACTIONS = ['create', 'update', 'remove'] as const;
const KINDS = [
  'user',
  'key',
  'group',
  'machine',
  'grant',
  'certificate_authority',
  'alert_rule',
  'stack',
] as const;

const setupRoute = guarded('admin', {
  method: 'post',
  path: '/v1/setup',
  summary: 'Makes people, machines and grants what the body says; all of it or nothing',
  request: body(setupSchema),
  responses: {
    200: json(
      enveloped(
        z.object({
          dry_run: z.boolean(),
          changes: z.array(
            z.object({
              action: z.enum(ACTIONS),
              kind: z.enum(KINDS),
              name: z.string(),
              fields: z.array(z.string()),
            }),
          ),
        }),
      ),
      'What changed, or with dry_run what would',
    ),
  },
});

/** Of users and machines; those of a stack go with it, and when its kind has no containers any more. */
function mayTakeAway({ action, kind }: SetupChange): boolean {
  return action === 'remove' || (action === 'update' && kind === 'stack');
}

export function setupRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(setupRoute, async (c) => {
    const caller = callerOf(c);
    const asked = c.req.valid('json');
    for (const [at, { pattern }] of (asked.alerts ?? []).entries()) {
      checkPatternIn(deps, `alerts[${at}].pattern`, pattern);
    }
    const changes = await deps.setup.apply(setupOf(asked, deps.parsePublicKey), {
      dryRun: asked.dry_run,
      prune: asked.prune,
      actor: caller.viewer.name,
      source: caller.source,
    });
    if (!asked.dry_run && changes.some(mayTakeAway)) await recount(deps);
    const shown = changes.map(({ fields, ...change }) => ({ ...change, fields: [...fields] }));
    return c.json(success({ dry_run: asked.dry_run, changes: shown }), 200);
  });
}
