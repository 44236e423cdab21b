import type { Hono } from 'hono';
import type { AlertRule } from '../domain/alert.ts';
import type { AuditEvent } from '../domain/audit.ts';
import { actorOf } from './actor.ts';
import { alertsPage, type ShownAlert, type ShownRule } from './alerts-page.ts';
import type { Assets } from './assets.ts';
import type { ConsoleDeps, ConsoleEnv } from './deps.ts';

const ROWS = 50;

async function shownRule({ store }: ConsoleDeps, rule: AlertRule): Promise<ShownRule> {
  const { machineId, groupId } = rule;
  const [machine, group] = await Promise.all([
    machineId === null ? null : store.machines.get(machineId),
    groupId === null ? null : store.groups.get(groupId),
  ]);
  return { rule, machine: machine?.name ?? null, group: group?.name ?? null };
}

async function shownAlert({ store }: ConsoleDeps, event: AuditEvent): Promise<ShownAlert> {
  const { sessionId } = event;
  return { event, session: sessionId === null ? null : await store.sessions.get(sessionId) };
}

/** The console's list of alerts and of what raises them, for admins. */
export function alertPages(app: Hono<ConsoleEnv>, deps: ConsoleDeps, assets: Assets): void {
  app.get('/alerts', async (c) => {
    const { viewer } = actorOf(c, 'admin');
    const asked = c.req.query('before') ?? '';
    const before = /^\d{1,15}$/.test(asked) ? Number(asked) : Number.MAX_SAFE_INTEGER;
    const [rules, found] = await Promise.all([
      deps.store.alerts.rules(),
      deps.store.audit.list({ type: 'alert.raised' }, { limit: ROWS, before }),
    ]);
    const page = {
      ...{ viewer, next: found.next },
      rules: await Promise.all(rules.map((rule) => shownRule(deps, rule))),
      raised: await Promise.all(found.rows.map((event) => shownAlert(deps, event))),
    };
    return c.html(alertsPage(assets, page));
  });
}
