import type { Context, Hono } from 'hono';
import { PosternError } from '../domain/errors.ts';
import { parseId } from '../domain/ids.ts';
import { actorOf } from './actor.ts';
import type { ConsoleDeps, ConsoleEnv } from './deps.ts';

/** A whole number in the path; an address without one is of a page that is not there. */
function numberIn(c: Context<ConsoleEnv>, name: string): number {
  const text = c.req.param(name) ?? '';
  if (!/^[0-9]{1,9}$/.test(text)) throw new PosternError('request.not_found');
  return Number(text);
}

function idIn(c: Context<ConsoleEnv>): number {
  const id = parseId('sess', c.req.param('id') ?? '');
  if (id === null) throw new PosternError('request.not_found');
  return id;
}

/** What the player of a session page fetches (see assets/replay.js), and the file for who has no use of it. */
export function replayPages(app: Hono<ConsoleEnv>, deps: ConsoleDeps): void {
  app.get('/sessions/:id/recording', (c) => {
    const actor = actorOf(c, 'recordings:read');
    const channel = Number(c.req.query('channel') ?? '1');
    return deps.playRecording(actor, idIn(c), Number.isSafeInteger(channel) ? channel : 1);
  });

  app.get('/sessions/:id/download/:channel', (c) =>
    deps.downloadFile(actorOf(c, 'recordings:read'), idIn(c), numberIn(c, 'channel')),
  );

  app.get('/sessions/:id/replay/:channel', async (c) => {
    const actor = actorOf(c, 'recordings:read');
    return c.json(await deps.replayAnswer(actor, idIn(c), numberIn(c, 'channel')));
  });

  app.get('/sessions/:id/replay/:channel/index', (c) => {
    const actor = actorOf(c, 'recordings:read');
    return deps.replayIndex(actor, idIn(c), numberIn(c, 'channel'));
  });

  app.get('/sessions/:id/replay/:channel/:build/:segment', (c) =>
    deps.replaySegment(actorOf(c, 'recordings:read'), {
      id: idIn(c),
      channel: numberIn(c, 'channel'),
      build: c.req.param('build'),
      segment: numberIn(c, 'segment'),
      method: c.req.method,
      acceptEncoding: c.req.header('accept-encoding'),
      ifNoneMatch: c.req.header('if-none-match'),
      range: c.req.header('range'),
      ifRange: c.req.header('if-range'),
    }),
  );
}
