import type { Context, Hono } from 'hono';
import { PosternError } from '../domain/errors.ts';
import { formatId, parseId } from '../domain/ids.ts';
import { isThere } from '../domain/recording.ts';
import { holdsScope } from '../domain/role.ts';
import type {
  Recording,
  Session,
  SessionChannel,
  SessionFilter,
  SessionStatus,
} from '../domain/session.ts';
import type { Transfer } from '../domain/transfer.ts';
import {
  isLive,
  maySeeSession,
  seesEverything,
  seesSecrets,
  type Viewer,
} from '../domain/visibility.ts';
import { actorOf } from './actor.ts';
import type { Assets } from './assets.ts';
import type { ConsoleDeps, ConsoleEnv } from './deps.ts';
import { sessionPage } from './session-page.ts';
import { FILTERS, type Filter, sessionsPage } from './sessions-page.ts';

const ENDED_ROWS = 50;
const LIVE_ROWS = 100;
const TRANSFERS = 100;

/** The key in the path; an address that is no id is one of a page that is not there. */
function idOf(c: Context<ConsoleEnv>): number {
  const id = parseId('sess', c.req.param('id') ?? '');
  if (id === null) throw new PosternError('request.not_found');
  return id;
}

async function seen(deps: ConsoleDeps, viewer: Viewer, id: number): Promise<Session> {
  const session = await deps.store.sessions.get(id);
  if (session === null || !maySeeSession(viewer, session)) {
    throw new PosternError('thing.not_found', { kind: 'session', id: formatId('sess', id) });
  }
  return session;
}

function filterOf(
  viewer: Viewer,
  statuses: readonly SessionStatus[],
  search: string,
): SessionFilter {
  const own = seesEverything(viewer) ? null : viewer.userId;
  return {
    statuses,
    ...(own === null ? {} : { userId: own }),
    ...(search === '' ? {} : { search }),
  };
}

/** What the address asks for; anything that does not parse counts as not given. */
function asked(c: Context<ConsoleEnv>) {
  const given = c.req.query('status');
  const filter: Filter = FILTERS.find((one) => one === given) ?? 'all';
  const search = (c.req.query('q') ?? '')
    .replaceAll(/\p{Cc}/gu, '')
    .trim()
    .slice(0, 200);
  const before = parseId('sess', c.req.query('before') ?? '');
  return { filter, search, before };
}

async function list(deps: ConsoleDeps, assets: Assets, c: Context<ConsoleEnv>) {
  const { viewer } = actorOf(c, 'sessions:read');
  const { filter, search, before } = asked(c);
  const find = (statuses: readonly SessionStatus[], limit: number, after: number | null) =>
    deps.store.sessions.list(filterOf(viewer, statuses, search), {
      limit,
      before: after ?? Number.MAX_SAFE_INTEGER,
    });
  const showsLive = filter === 'all' || filter === 'live';
  const ended: readonly SessionStatus[] = filter === 'failed' ? ['failed'] : ['stopped', 'failed'];
  return sessionsPage(assets, {
    viewer,
    filter,
    search,
    now: deps.clock(),
    live: showsLive ? await find(['pending', 'active'], LIVE_ROWS, null) : null,
    ended: filter === 'live' ? null : await find(ended, ENDED_ROWS, before),
    ssh: deps.publicSsh(),
  });
}

/** The recording of the channel that the address names, else the first; null: none may be shown. */
function choose(
  c: Context<ConsoleEnv>,
  viewer: Viewer,
  recordings: readonly Recording[],
): Recording | null {
  if (!holdsScope(viewer.scopes, 'recordings:read')) return null;
  const usable = recordings.filter(isThere);
  const wanted = Number(c.req.query('channel') ?? usable[0]?.channel);
  return usable.find(({ channel }) => channel === wanted) ?? usable[0] ?? null;
}

/** A recording that is being written is followed, unless the address asks for its beginning. */
function wayOf(
  deps: ConsoleDeps,
  c: Context<ConsoleEnv>,
  session: Session,
  chosen: Recording | null,
) {
  if (chosen?.state !== 'recording' || !isLive(session)) return 'replay';
  if (session.node !== deps.node) return { node: session.node };
  return c.req.query('from') === 'start' ? 'replay' : 'live';
}

function shownChannels(
  { redaction }: ConsoleDeps,
  viewer: Viewer,
  channels: readonly SessionChannel[],
): readonly SessionChannel[] {
  if (seesSecrets(viewer)) return channels;
  const hidden = (command: string | null) => (command === null ? null : redaction.text(command));
  return channels.map((channel) => ({ ...channel, command: hidden(channel.command) }));
}

function shownTransfers(
  { redaction }: Pick<ConsoleDeps, 'redaction'>,
  viewer: Viewer,
  transfers: readonly Transfer[],
): readonly Transfer[] {
  if (seesSecrets(viewer)) return transfers;
  return transfers.map(({ path, target, ...rest }) => ({
    ...rest,
    path: redaction.text(path),
    target: target === null ? null : redaction.text(target),
  }));
}

async function one(deps: ConsoleDeps, assets: Assets, c: Context<ConsoleEnv>) {
  const actor = actorOf(c, 'sessions:read');
  const { viewer } = actor;
  const session = await seen(deps, viewer, idOf(c));
  const [channels, recordings, transfers] = await Promise.all([
    deps.store.sessions.channels(session.id),
    deps.store.sessions.recordings(session.id),
    deps.store.transfers.list(session.id, { limit: TRANSFERS, before: Number.MAX_SAFE_INTEGER }),
  ]);
  const chosen = choose(c, viewer, recordings);
  return sessionPage(assets, {
    viewer,
    session,
    channels: shownChannels(deps, viewer, channels),
    recordings,
    chosen,
    way: wayOf(deps, c, session, chosen),
    lockedTo: chosen === null ? null : await deps.lockedTo(chosen.key),
    commands:
      chosen === null ? null : await deps.sessionCommands(actor, session.id, chosen.channel),
    transfers: { ...transfers, rows: shownTransfers(deps, viewer, transfers.rows) },
    now: deps.clock(),
  });
}

export function sessionPages(app: Hono<ConsoleEnv>, deps: ConsoleDeps, assets: Assets): void {
  app.get('/', async (c) => c.html(await list(deps, assets, c)));
  app.get('/sessions', (c) => c.redirect('/', 303));
  app.get('/known-hosts', async (c) => c.text(await deps.knownHosts(actorOf(c, 'sessions:read'))));
  app.get('/known-hosts/authority', (c) => {
    actorOf(c, 'sessions:read');
    return c.text(deps.knownAuthority());
  });
  app.get('/sessions/:id', async (c) => c.html(await one(deps, assets, c)));

  app.post('/sessions/:id/terminate', async (c) => {
    const actor = actorOf(c, 'sessions:write');
    const id = idOf(c);
    await deps.terminateSession(actor, id);
    return c.redirect(`/sessions/${id}`, 303);
  });
}
