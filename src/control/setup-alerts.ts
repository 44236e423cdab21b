import type { NewAlertRule } from '../domain/alert.ts';
import { auditStates } from '../domain/audit-state.ts';
import { PosternError } from '../domain/errors.ts';
import type { SetupAlert } from '../domain/setup.ts';
import type { Names } from './setup-grants.ts';
import { differing, type SetupWork } from './setup-work.ts';

/** Throws `request.invalid` naming what is not there. */
function ruleOf(wanted: SetupAlert, at: number, names: Names): NewAlertRule {
  const idOf = (kind: 'machine' | 'group', name: string | null): number | null => {
    if (name === null) return null;
    const id = (kind === 'machine' ? names.machines : names.groups).get(name);
    if (id !== undefined) return id;
    const problem = { field: `alerts[${at}].${kind}`, message: `there is no ${kind} ${name}` };
    throw new PosternError('request.invalid', {}, { problems: [problem] });
  };
  const { name, pattern, kind, machine, group } = wanted;
  return {
    ...{ name, pattern, kind },
    machineId: idOf('machine', machine),
    groupId: idOf('group', group),
  };
}

/**
 * Rules for alerts, and with pruning none but them; where the setup has no list, all stays as it is. One
 * that has changed is made anew.
 */
export async function applyAlerts(work: SetupWork, names: Names): Promise<void> {
  const { setup, stores, prune, changes } = work;
  const wanted = setup.alerts;
  if (wanted === undefined) return;
  if (prune) await pruneAlerts(work, new Set(wanted.map(({ name }) => name)));
  for (const [at, one] of wanted.entries()) {
    const rule = ruleOf(one, at, names);
    const now = await stores.alerts.getByName(rule.name);
    const fields = now === null ? [] : differing<NewAlertRule>(now, rule);
    if (now !== null && fields.length === 0) continue;
    if (now !== null) await stores.alerts.remove(now.id);
    const made = await stores.alerts.create(rule);
    const detail = { name: rule.name };
    await changes.note(
      {
        action: now === null ? 'create' : 'update',
        kind: 'alert_rule',
        name: rule.name,
        fields: fields.map((field) => field.replace(/Id$/, '')),
      },
      {
        type: 'alert_rule.created',
        detail,
        states: auditStates(now, made),
        ...(rule.machineId === null ? {} : { machineId: rule.machineId }),
      },
    );
  }
}

async function pruneAlerts({ stores, changes }: SetupWork, kept: ReadonlySet<string>) {
  for (const rule of await stores.alerts.rules()) {
    const { id, name } = rule;
    if (kept.has(name)) continue;
    await stores.alerts.remove(id);
    const change = { action: 'remove', kind: 'alert_rule', name, fields: [] } as const;
    const states = auditStates(rule, null);
    await changes.note(change, { type: 'alert_rule.removed', detail: { name }, states });
  }
}
