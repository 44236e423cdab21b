import { z } from '@hono/zod-openapi';
import type { AlertRule } from '../../domain/alert.ts';
import { auditStates } from '../../domain/audit-state.ts';
import { PosternError } from '../../domain/errors.ts';
import { formatId } from '../../domain/ids.ts';
import { SEARCH_KINDS } from '../../domain/search.ts';
import { checkPatternIn } from '../alert-pattern.ts';
import { type Api, type Caller, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, failureSchema, json, messageOnly, success } from '../envelope.ts';
import { refuse } from '../errors.ts';
import { body, idOf, isoTime, machineName, orNull, outId, outTime, text } from '../fields.ts';
import { guarded } from '../guard.ts';
import { note } from '../journal.ts';
import { NamesOf } from '../names-of.ts';
import { onePaging, pageRequest, pagination, paginationSchema, pagingFields } from '../paging.ts';

const created = z.strictObject({
  name: machineName,
  pattern: text(500).min(1).openapi({
    description: 'What is looked for, in the language of redaction patterns; no look-around',
  }),
  kind: z.enum(SEARCH_KINDS).nullable().default(null).openapi({
    description: 'Where; null: in commands and in output',
  }),
  machine_id: orNull(idOf('mch')).default(null),
  group_id: orNull(idOf('grp')).default(null).openapi({
    description: 'In sessions of its members; not together with a machine',
  }),
});

const named = z.object({ id: z.string(), name: z.string() }).nullable();

const ruleSchema = z
  .object({
    id: outId('alr'),
    name: z.string(),
    pattern: z.string(),
    kind: z.enum(SEARCH_KINDS).nullable(),
    machine: named,
    group: named,
    created_at: outTime,
  })
  .openapi('AlertRule');

const listRoute = guarded('admin', {
  method: 'get',
  path: '/v1/alert-rules',
  summary: 'What raises alerts, newest first',
  request: { query: z.strictObject(pagingFields).superRefine(onePaging) },
  responses: {
    200: json(
      enveloped(z.object({ alert_rules: z.array(ruleSchema), pagination: paginationSchema })),
      'A page of rules',
    ),
  },
});

const createRoute = guarded('admin', {
  method: 'post',
  path: '/v1/alert-rules',
  summary: 'Raises an alert for a pattern, from now on',
  request: body(created),
  responses: {
    201: json(enveloped(ruleSchema), 'It was made'),
    409: json(failureSchema, 'There is one of that name'),
  },
});

const removeRoute = guarded('admin', {
  method: 'delete',
  path: '/v1/alert-rules/{id}',
  summary: 'Removes a rule; what it raised stays',
  request: { params: z.object({ id: idOf('alr') }) },
  responses: { 200: json(messageOnly, 'It was removed') },
});

async function view(rule: AlertRule, names: NamesOf): Promise<z.infer<typeof ruleSchema>> {
  return {
    id: formatId('alr', rule.id),
    name: rule.name,
    pattern: rule.pattern,
    kind: rule.kind,
    machine: rule.machineId === null ? null : await names.machine(rule.machineId),
    group: rule.groupId === null ? null : await names.group(rule.groupId),
    created_at: isoTime(rule.createdAt),
  };
}

/** Throws `request.invalid` for a pattern that is not possible. */
function create(deps: ApiDeps, caller: Caller, asked: z.infer<typeof created>): Promise<AlertRule> {
  const { name, pattern, kind, machine_id: machineId, group_id: groupId } = asked;
  if (machineId !== null && groupId !== null) refuse('group_id', 'cannot be given with machine_id');
  checkPatternIn(deps, 'pattern', pattern);
  return deps.store.transaction(async (stores) => {
    const made = await stores.alerts.create({ name, pattern, kind, machineId, groupId });
    await note(stores, caller, deps.clock(), 'alert_rule.created', {
      machineId,
      detail: { name },
      states: auditStates(null, made),
    });
    return made;
  });
}

function remove(deps: ApiDeps, caller: Caller, id: number): Promise<void> {
  return deps.store.transaction(async (stores) => {
    const removed = await stores.alerts.remove(id);
    if (removed === null) {
      throw new PosternError('thing.not_found', { kind: 'alert rule', id: formatId('alr', id) });
    }
    const detail = { name: removed.name };
    await note(stores, caller, deps.clock(), 'alert_rule.removed', {
      detail,
      states: auditStates(removed, null),
    });
  });
}

export function alertRuleRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(listRoute, async (c) => {
    const request = pageRequest(c.req.valid('query'));
    const page = await deps.store.alerts.list(request);
    const names = new NamesOf(deps.store);
    const alert_rules = await Promise.all(page.rows.map((rule) => view(rule, names)));
    return c.json(success({ alert_rules, pagination: pagination(request, page) }), 200);
  });

  api.openapi(createRoute, async (c) => {
    const rule = await create(deps, callerOf(c), c.req.valid('json'));
    return c.json(success(await view(rule, new NamesOf(deps.store))), 201);
  });

  api.openapi(removeRoute, async (c) => {
    await remove(deps, callerOf(c), c.req.valid('param').id);
    return c.json({ success: true as const, message: 'Alert rule removed' }, 200);
  });
}
