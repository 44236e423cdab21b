import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { ContainerNews } from '../../src/domain/container-engine.ts';
import { PosternError } from '../../src/domain/errors.ts';
import { Follower } from '../../src/engine/follower.ts';
import { eventually } from '../support/eventually.ts';

/** Events of an engine that has nothing to tell, and never ends them. */
async function silentEvents(): Promise<() => Promise<IncomingMessage>> {
  const server = createServer((_request, response) => void response.writeHead(200).flushHeaders());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return () =>
    new Promise((resolve, reject) => {
      get({ host: '127.0.0.1', port, agent: false }, resolve).once('error', reject);
    });
}

test('an engine that hangs with its events open is away, and is back when it answers again', async () => {
  const news: ContainerNews[] = [];
  let hangs = false;
  let asked = 0;
  const answer = <T>(what: T): Promise<T> =>
    hangs
      ? Promise.reject(new PosternError('engine.unreachable', { reason: 'it hangs' }))
      : Promise.resolve(what);
  const following = new Follower(
    {
      events: await silentEvents(),
      list: () => answer([]),
      find: () => answer(null),
      ping: () => {
        asked += 1;
        return answer(undefined);
      },
    },
    (one) => news.push(one),
    10,
  );
  onTestFinished(() => following.close());
  await eventually('it was asked and answered', () => asked > 2);
  expect(news).toEqual([{ type: 'all', containers: [] }]);
  hangs = true;
  const away = await eventually('it is away', () => news.find(({ type }) => type === 'away'));
  expect(away).toMatchObject({ reason: 'it hangs' });
  hangs = false;
  const since = news.length;
  await eventually('all is told again', () => news.slice(since).some(({ type }) => type === 'all'));
});
