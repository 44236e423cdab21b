import { z } from '@hono/zod-openapi';
import type { AuditType } from '../../domain/audit.ts';
import type { SetupChange } from '../../domain/setup.ts';
import { type Api, type Caller, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, json, success } from '../envelope.ts';
import { body } from '../fields.ts';
import { guarded } from '../guard.ts';
import { note } from '../journal.ts';
import { setupOf, setupSchema } from '../setup-fields.ts';

const ACTIONS = ['create', 'update', 'remove'] as const;
const KINDS = ['user', 'key', 'group', 'machine', 'grant'] as const;

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

/** What a change is called in the audit. */
const EVENTS: Readonly<Record<`${SetupChange['kind']} ${SetupChange['action']}`, AuditType>> = {
  'user create': 'user.created',
  'user update': 'user.changed',
  'user remove': 'user.removed',
  'key create': 'key.added',
  'key update': 'key.added',
  'key remove': 'key.removed',
  'group create': 'group.created',
  'group update': 'group.changed',
  'group remove': 'group.removed',
  'machine create': 'machine.created',
  'machine update': 'machine.changed',
  'machine remove': 'machine.removed',
  'grant create': 'grant.created',
  'grant update': 'grant.created',
  'grant remove': 'grant.removed',
};

async function noteChanges(
  deps: ApiDeps,
  caller: Caller,
  changes: readonly SetupChange[],
): Promise<void> {
  const at = deps.clock();
  await deps.store.transaction(async (stores) => {
    for (const { action, kind, name, fields } of changes) {
      const detail = { name, fields: fields.join(' '), by: 'setup' };
      await note(stores, caller, at, EVENTS[`${kind} ${action}`], { detail });
    }
  });
}

export function setupRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(setupRoute, async (c) => {
    const caller = callerOf(c);
    const asked = c.req.valid('json');
    const changes = await deps.setup.apply(setupOf(asked, deps.parsePublicKey), {
      dryRun: asked.dry_run,
      prune: asked.prune,
      actor: caller.viewer.name,
    });
    if (!asked.dry_run) await noteChanges(deps, caller, changes);
    const shown = changes.map(({ fields, ...change }) => ({ ...change, fields: [...fields] }));
    return c.json(success({ dry_run: asked.dry_run, changes: shown }), 200);
  });
}
