import { html } from 'hono/html';
import type { EndReason, Session } from '../domain/session.ts';
import type { Markup } from './layout.ts';

const REASONS: Readonly<Record<EndReason, string>> = {
  client_closed: 'closed by the user',
  client_lost: 'the connection to the user was lost',
  machine_lost: 'the connection to the machine was lost',
  machine_unreachable: 'the machine could not be reached',
  machine_auth_failed: 'the machine did not accept the credentials',
  host_key_changed: 'the host key of the machine has changed',
  terminated: 'terminated',
  evicted: 'a newer session of the service took its place',
  access_revoked: 'access was revoked',
  recording_failed: 'the recording failed',
  max_session: 'the longest time was reached',
  idle_timeout: 'idle for too long',
  unused: 'nobody came to it',
  not_created: 'it could not be made',
  drained: 'the bastion was stopped',
  node_died: 'the bastion went down',
  worker_died: 'a process of the bastion went down',
  internal_error: 'an internal error',
};

/** Why a session ended, in words; empty while it lives. */
export function reasonText(session: Session): string {
  return session.endReason === null ? '' : REASONS[session.endReason];
}

/** A moment in UTC: browsers without scripts know no other zone. */
export function moment(at: Date): Markup {
  const iso = at.toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC</time>`;
}

/** `2 h 5 min`, `3 min 20 s`, `4 s`. */
export function lasting(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

/** `1.5 MB`, `12 kB`, `7 B`. */
export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  if (count < 1_000_000) return `${(count / 1000).toFixed(1)} kB`;
  return `${(count / 1_000_000).toFixed(1)} MB`;
}

export function status(session: Session): Markup {
  return html`<span class="status-${session.status}">${session.status}</span>`;
}
