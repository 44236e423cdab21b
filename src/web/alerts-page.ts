import { html } from 'hono/html';
import type { AlertRule } from '../domain/alert.ts';
import type { AuditEvent } from '../domain/audit.ts';
import type { Session } from '../domain/session.ts';
import type { Viewer } from '../domain/visibility.ts';
import type { Assets } from './assets.ts';
import { layout, type Markup, shown } from './layout.ts';
import { moment } from './words.ts';

/** A rule, with the names of what it is for; null: no such bound. */
export interface ShownRule {
  readonly rule: AlertRule;
  readonly machine: string | null;
  readonly group: string | null;
}

/** An alert, with its session; null: that is not there any more. */
export interface ShownAlert {
  readonly event: AuditEvent;
  readonly session: Session | null;
}

interface AlertsPage {
  readonly viewer: Viewer;
  readonly rules: readonly ShownRule[];
  readonly raised: readonly ShownAlert[];
  /** Where older ones begin; null: there are none. */
  readonly next: number | null;
}

function where({ machine, group }: ShownRule): string {
  if (machine !== null) return `on ${shown(machine)}`;
  return group === null ? 'all sessions' : `members of ${shown(group)}`;
}

function ruleRow(one: ShownRule): Markup {
  const { name, pattern, kind, createdAt } = one.rule;
  return html`<tr>
    <td>${shown(name)}</td>
    <td><code>${shown(pattern, 500)}</code></td>
    <td>${kind ?? 'commands and output'}</td>
    <td>${where(one)}</td>
    <td class="time">${moment(createdAt)}</td>
  </tr>`;
}

function rulesTable(rules: readonly ShownRule[]): Markup {
  if (rules.length === 0) {
    return html`<p class="note">None. <code>postern alert add NAME PATTERN</code> makes one.</p>`;
  }
  return html`<div class="scroll">
    <table aria-label="Rules">
      <thead>
        <tr>
          <th scope="col">Rule</th>
          <th scope="col">Pattern</th>
          <th scope="col">In</th>
          <th scope="col">For</th>
          <th scope="col">Made</th>
        </tr>
      </thead>
      <tbody>
        ${rules.map(ruleRow)}
      </tbody>
    </table>
  </div>`;
}

/** A second before it was there to be seen, as from a list of commands. */
function replayOf({ event }: ShownAlert): string {
  const { channel = 1, second = 0 } = event.detail;
  const from = Math.max(0, Number(second) - 1).toFixed(1);
  return `/sessions/${event.sessionId}?channel=${Number(channel)}&t=${from}`;
}

function raisedRow(one: ShownAlert): Markup {
  const { event, session } = one;
  const { rule = '', kind = '' } = event.detail;
  return html`<tr>
    <td class="time">
      ${session === null ? moment(event.at) : html`<a href="${replayOf(one)}">${moment(event.at)}</a>`}
    </td>
    <td class="word">${shown(String(rule))}</td>
    <td class="word">${shown(String(kind))}</td>
    <td>${session === null ? '' : shown(session.userName)}</td>
    <td>${session === null ? '' : html`${shown(session.login)}@${shown(session.machineName)}`}</td>
  </tr>`;
}

function raisedTable({ raised, next }: AlertsPage): Markup {
  if (raised.length === 0) return html`<p class="note">None.</p>`;
  const older =
    next === null ? '' : html`<p><a href="/alerts?before=${next}" rel="next">Older ones</a></p>`;
  return html`<div class="scroll">
      <table aria-label="Raised">
        <thead>
          <tr>
            <th scope="col">At</th>
            <th scope="col">Rule</th>
            <th scope="col">In</th>
            <th scope="col">User</th>
            <th scope="col">Where</th>
          </tr>
        </thead>
        <tbody>
          ${raised.map(raisedRow)}
        </tbody>
      </table>
    </div>
    ${older}`;
}

/** What raises alerts, and what was raised, newest first. */
export function alertsPage(assets: Assets, page: AlertsPage): Markup {
  const content = html`<h1>Alerts</h1>
    <h2>Raised</h2>
    ${raisedTable(page)}
    <h2>Rules</h2>
    ${rulesTable(page.rules)}`;
  return layout(assets, { title: 'Alerts', viewer: page.viewer, content });
}
