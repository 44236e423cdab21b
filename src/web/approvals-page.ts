import { html } from 'hono/html';
import type { Viewer } from '../domain/visibility.ts';
import type { Assets } from './assets.ts';
import type { ShownApproval } from './deps.ts';
import { layout, type Markup, shown } from './layout.ts';
import { lasting, moment } from './words.ts';

interface ApprovalsPage {
  readonly viewer: Viewer;
  readonly now: Date;
  readonly open: readonly ShownApproval[];
  readonly closed: readonly ShownApproval[];
}

const STATUS_WORDS = {
  pending: 'waiting',
  approved: 'approved',
  denied: 'denied',
  expired: 'nobody decided in time',
  called_off: 'called off',
} as const;

/** The first button is the one that Enter in the field stands for: nobody decides by that. */
function verdictForm({ approval }: ShownApproval): Markup {
  const field = `reason-${approval.id}`;
  return html`<form class="verdict" method="post" action="/approvals/${approval.id}">
    <button type="submit" disabled hidden></button>
    <div>
      <label for="${field}">Reason (optional)</label>
      <input id="${field}" name="reason" maxlength="500" autocomplete="off" />
    </div>
    <button class="main" type="submit" name="verdict" value="approved">Approve</button>
    <button class="danger" type="submit" name="verdict" value="denied">Deny</button>
  </form>`;
}

/** With a way to its own page, but there. */
function card(seen: ShownApproval, now: Date, here = false): Markup {
  const { approval, mayDecide } = seen;
  const name = `Request ${approval.id}`;
  const where = `${shown(approval.login)}@${shown(approval.machineName)}`;
  const left = lasting(approval.expiresAt.getTime() - now.getTime());
  return html`<article class="request" aria-labelledby="request-${approval.id}">
    <h3 id="request-${approval.id}">
      ${here ? name : html`<a href="/approvals/${approval.id}">${name}</a>`}: ${shown(approval.userName)}
      wants ${where}
    </h3>
    <dl>
      <dt>Begins with</dt>
      <dd>${approval.kind}; the approval is for the whole session</dd>
      <dt>From</dt>
      <dd>${shown(approval.source)}</dd>
      <dt>Asked</dt>
      <dd>${moment(approval.askedAt)}, ${left} left</dd>
      <dt>Decided by</dt>
      <dd>${shown(approval.byName)}</dd>
    </dl>
    ${mayDecide ? verdictForm(seen) : html`<p class="note">Others decide on this.</p>`}
  </article>`;
}

function closedRow({ approval, status }: ShownApproval): Markup {
  const words = approval.reason === '' ? '' : `: ${shown(approval.reason)}`;
  const by = approval.decidedBy === null ? '' : ` by ${shown(approval.decidedBy)}`;
  return html`<tr>
    <td class="time"><a href="/approvals/${approval.id}">${moment(approval.askedAt)}</a></td>
    <td>${shown(approval.userName)}</td>
    <td>${shown(approval.login)}@${shown(approval.machineName)}</td>
    <td>${STATUS_WORDS[status]}${by}${words}</td>
  </tr>`;
}

function closedTable(closed: readonly ShownApproval[]): Markup {
  if (closed.length === 0) return html`<p class="note">None.</p>`;
  return html`<div class="scroll">
    <table aria-label="Closed requests">
      <thead>
        <tr>
          <th scope="col">Asked</th>
          <th scope="col">User</th>
          <th scope="col">Where</th>
          <th scope="col">Outcome</th>
        </tr>
      </thead>
      <tbody>
        ${closed.map(closedRow)}
      </tbody>
    </table>
  </div>`;
}

/** The requests that the viewer may see: those that wait, then the last that were closed. */
export function approvalsPage(assets: Assets, page: ApprovalsPage): Markup {
  const { viewer, now, open, closed } = page;
  const content = html`<h1>Approvals</h1>
    <h2>Waiting</h2>
    ${
      open.length === 0
        ? html`<p class="note">Nobody waits. <a href="/approvals">Look again</a></p>`
        : open.map((seen) => card(seen, now))
    }
    <h2>Closed</h2>
    ${closedTable(closed)}`;
  return layout(assets, { title: 'Approvals', viewer, content });
}

/** One request. */
export function approvalPage(
  assets: Assets,
  page: { readonly viewer: Viewer; readonly now: Date; readonly seen: ShownApproval },
): Markup {
  const { viewer, now, seen } = page;
  const title = `Request ${seen.approval.id}`;
  const content = html`<p><a href="/approvals">All requests</a></p>
    <h1>${title}</h1>
    ${seen.status === 'pending' ? card(seen, now, true) : closedTable([seen])}`;
  return layout(assets, { title, viewer, content });
}
