import { z } from '@hono/zod-openapi';
import { auditStates } from '../../domain/audit-state.ts';
import { REVOCATION_KINDS } from '../../domain/certificate.ts';
import { type Api, type Caller, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, json, success } from '../envelope.ts';
import { body, text } from '../fields.ts';
import { guarded } from '../guard.ts';
import { note } from '../journal.ts';
import { FINGERPRINT, revocationValue, valueProblem } from '../revocation-value.ts';

/** In one request; more take several. */
const MOST = 5000;

const entry = z
  .strictObject({
    kind: z.enum(REVOCATION_KINDS),
    value: revocationValue,
    authority: z
      .string()
      .regex(FINGERPRINT, 'must be a fingerprint: SHA256:… of ssh-keygen -l')
      .nullable()
      .default(null)
      .openapi({ description: "The fingerprint of an authority's key; null: of any authority" }),
  })
  .superRefine(({ kind, value }, context) => {
    const problem = valueProblem(kind, value);
    if (problem !== null) context.addIssue({ code: 'custom', path: ['value'], message: problem });
  });

const importRoute = guarded('admin', {
  method: 'post',
  path: '/v1/revocations/import',
  summary: 'Accepts keys and certificates no more, many at once; what is revoked already stays so',
  request: body(
    z.strictObject({ entries: z.array(entry).min(1).max(MOST), reason: text(500).default('') }),
  ),
  responses: {
    200: json(
      enveloped(
        z.object({
          added: z.int().openapi({ description: 'How many of them were not revoked before' }),
        }),
      ),
      'They are revoked, all of them',
    ),
  },
});

/** Entries that the event of an import has; its detail has how many there were. */
const MOST_SAID = 100;

type Asked = z.infer<typeof entry>;

function importAll(
  deps: ApiDeps,
  caller: Caller,
  entries: readonly Asked[],
  reason: string,
): Promise<number> {
  return deps.store.transaction(async (stores) => {
    const added = await stores.revocations.createMissing(
      entries.map((one) => ({ ...one, reason })),
    );
    const detail = { entries: entries.length, added, reason };
    await note(stores, caller, deps.clock(), 'revocation.imported', {
      detail,
      states: auditStates(null, { entries: entries.slice(0, MOST_SAID) }),
    });
    return added;
  });
}

export function revocationImportRoute(api: Api, deps: ApiDeps): void {
  api.openapi(importRoute, async (c) => {
    const { entries, reason } = c.req.valid('json');
    return c.json(success({ added: await importAll(deps, callerOf(c), entries, reason) }), 200);
  });
}
