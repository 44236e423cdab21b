import type { Page } from '../../src/domain/page.ts';
import type { SessionFilter } from '../../src/domain/session.ts';
import type { Store } from '../../src/domain/store.ts';

const DAY = 86_400_000;

export interface Question {
  readonly what: string;
  readonly ask: () => Promise<unknown>;
}

/**
 * What is asked of the store of sessions and of the audit, over a database that `fillWithSessions` filled:
 * every filter, first pages and far ones, by page and by cursor.
 */
export async function questionsOf(
  store: Pick<Store, 'sessions' | 'audit' | 'counts'>,
): Promise<readonly Question[]> {
  const { rows } = await store.sessions.list({ statuses: null }, { limit: 1, before: 2 ** 52 });
  const newest = rows[0];
  if (newest === undefined) throw new Error('there are no sessions');
  const half = Math.floor(newest.id / 2);
  const old = await store.sessions.get(half);
  const ids = { userId: newest.userId ?? 0, machineId: newest.machineId ?? 0 };
  const span = (days: number, from = newest.startedAt) => ({
    from: new Date(from.getTime() - days * DAY),
    to: from,
  });
  const then = old?.startedAt ?? newest.startedAt;
  const any = { statuses: null };
  const lists: readonly (readonly [string, SessionFilter])[] = [
    ['active', { statuses: ['active'] }],
    ['all', any],
    ['ended', { statuses: ['stopped', 'failed'] }],
    ['failed', { statuses: ['failed'] }],
    ['of a kind', { ...any, kind: 'sftp' }],
    ['of a user', { ...any, userId: ids.userId }],
    ['on a machine', { ...any, machineId: ids.machineId }],
    ['of a user on a machine', { ...any, ...ids }],
    ['of a user, failed', { statuses: ['failed'], userId: ids.userId }],
    ['the last day', { ...any, ...span(1) }],
    ['one day, half a year ago', { ...any, ...span(1, then) }],
    ['one month, half a year ago', { ...any, ...span(30, then) }],
    ['of a user, one month, half a year ago', { ...any, userId: ids.userId, ...span(30, then) }],
    [
      'failed, of a kind, one month, half a year ago',
      {
        statuses: ['failed'],
        kind: 'sftp',
        ...span(30, then),
      },
    ],
    ['searched: a user', { ...any, search: 'user17' }],
    ['searched: in all', { ...any, search: 'deploy' }],
    ['searched: an address', { ...any, search: '.77.123.' }],
    ['searched: nothing has it', { ...any, search: 'xylophone' }],
    ['searched, of a user', { ...any, userId: ids.userId, search: 'machine33' }],
  ];
  const audits: readonly (readonly [string, Parameters<Store['audit']['list']>[0]])[] = [
    ['all', {}],
    ['of a type', { type: 'channel.opened' }],
    ['of a rare type', { type: 'recording.failed' }],
    ['of a user', { userId: ids.userId }],
    ['of a machine', { machineId: ids.machineId }],
    ['of a session', { sessionId: half }],
    ['of a user, of a type', { userId: ids.userId, type: 'auth.failed' }],
    ['one day, half a year ago', span(1, then)],
    ['one month, half a year ago', span(30, then)],
    ['of a type, one month, half a year ago', { type: 'session.ended', ...span(30, then) }],
  ];
  return [
    ...lists.flatMap(([what, filter]) =>
      pages(`sessions ${what}`, (page) => store.sessions.list(filter, page), half),
    ),
    ...audits.flatMap(([what, filter]) =>
      pages(`audit ${what}`, (page) => store.audit.list(filter, page), half),
    ),
    { what: 'one session', ask: () => store.sessions.get(half) },
    ...[1, 7, 30].map((days) => ({
      what: `statistics of ${days} days`,
      ask: () => store.sessions.totals(...fromTo(span(days))),
    })),
    {
      what: 'statistics of a month, half a year ago',
      ask: () => store.sessions.totals(...fromTo(span(30, then))),
    },
    { what: 'what lives', ask: () => store.sessions.live() },
    { what: 'counts of what lives', ask: () => store.counts.active() },
    { what: 'counts of a day', ask: () => store.counts.day(then.toISOString().slice(0, 10)) },
    { what: 'when a user last used machines', ask: () => store.sessions.lastUsed(ids.userId) },
  ];
}

function fromTo({ from, to }: { readonly from: Date; readonly to: Date }): [Date, Date] {
  return [from, to];
}

function pages(
  what: string,
  list: (page: { limit: number; page?: number; before?: number }) => Promise<Page<unknown>>,
  half: number,
): readonly Question[] {
  return [
    { what: `${what}, first page`, ask: () => list({ limit: 20, page: 1 }) },
    { what: `${what}, from the middle on`, ask: () => list({ limit: 20, before: half }) },
  ];
}
