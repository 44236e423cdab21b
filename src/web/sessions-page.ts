import { html } from 'hono/html';
import type { Page } from '../domain/page.ts';
import type { Session } from '../domain/session.ts';
import type { Viewer } from '../domain/visibility.ts';
import type { Assets } from './assets.ts';
import { layout, type Markup, shown } from './layout.ts';
import { lasting, moment, reasonText, status } from './words.ts';

export const FILTERS = ['all', 'live', 'ended', 'failed'] as const;
export type Filter = (typeof FILTERS)[number];

interface SessionsPage {
  readonly viewer: Viewer;
  readonly filter: Filter;
  readonly search: string;
  readonly now: Date;
  /** Null: not asked for. */
  readonly live: Page<Session> | null;
  readonly ended: Page<Session> | null;
  readonly ssh: { readonly host: string; readonly port: number };
}

function row(session: Session, now: Date): Markup {
  const until = session.endedAt ?? now;
  const reason = reasonText(session);
  return html`<tr>
    <td class="time"><a href="/sessions/${session.id}">${moment(session.startedAt)}</a></td>
    <td>${shown(session.userName)}</td>
    <td>${shown(session.login)}@${shown(session.machineName)}</td>
    <td>${session.kind}</td>
    <td class="time">${lasting(until.getTime() - session.startedAt.getTime())}</td>
    <td>${status(session)}${reason === '' ? '' : `: ${reason}`}</td>
  </tr>`;
}

function table(caption: string, sessions: readonly Session[], now: Date): Markup {
  if (sessions.length === 0) return html`<p class="note">None.</p>`;
  return html`<div class="scroll">
    <table aria-label="${caption}">
      <thead>
        <tr>
          <th scope="col">Started</th>
          <th scope="col">User</th>
          <th scope="col">Where</th>
          <th scope="col">Kind</th>
          <th scope="col">Duration</th>
          <th scope="col">Status</th>
        </tr>
      </thead>
      <tbody>
        ${sessions.map((session) => row(session, now))}
      </tbody>
    </table>
  </div>`;
}

function older(page: SessionsPage, next: number | null): Markup | string {
  if (next === null) return '';
  const query = new URLSearchParams({ status: 'ended', q: page.search, before: String(next) });
  if (page.filter === 'failed') query.set('status', 'failed');
  return html`<p class="pages"><a href="/?${query.toString()}" rel="next">Older sessions</a></p>`;
}

function filterForm({ filter, search }: SessionsPage): Markup {
  return html`<form class="filter" method="get" action="/">
    <div>
      <label for="status">Status</label>
      <select id="status" name="status">
        ${FILTERS.map((one) => {
          const chosen = one === filter ? html` selected` : '';
          return html`<option value="${one}" ${chosen}>${one}</option>`;
        })}
      </select>
    </div>
    <div>
      <label for="q">User, machine, login or address</label>
      <input id="q" name="q" type="search" value="${search}" maxlength="200" />
    </div>
    <button type="submit">Show</button>
  </form>`;
}

/** The list of sessions: those that live now first, then those that ended, newest first. */
export function sessionsPage(assets: Assets, page: SessionsPage): Markup {
  const { live, ended, now, ssh } = page;
  const name = shown(page.viewer.name);
  const content = html`<h1>Sessions</h1>
    ${filterForm(page)}
    ${
      live === null
        ? ''
        : html`<h2>Live now</h2>
            ${table('Live sessions', live.rows, now)}`
    }
    ${
      ended === null
        ? ''
        : html`<h2>${page.filter === 'failed' ? 'Failed' : 'Ended'}</h2>
            ${table('Ended sessions', ended.rows, now)} ${older(page, ended.next)}`
    }
    <p class="note">A new session: <code>ssh -p ${ssh.port} ${name}+MACHINE@${ssh.host}</code></p>
    <p class="note">
      Or with the machine's own name: <code>ssh -J ${name}@${ssh.host}:${ssh.port} LOGIN@MACHINE</code>,
      with this <a href="/known-hosts/authority">line for known_hosts</a>, for all machines, or
      <a href="/known-hosts">a line for each</a>
    </p>`;
  return layout(assets, { title: 'Sessions', viewer: page.viewer, content });
}
