import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Bastion, startBastion } from '../support/bastion.ts';
import { ContainerSessionClient } from '../support/container-sessions.ts';
import { startDocker, type TestDocker } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { startSecondNode } from '../support/second-node.ts';
import { newClient, type SshClient } from '../support/ssh-client.ts';

const LABELS = {
  'com.docker.compose.project': 'shop',
  'com.docker.compose.service': 'web',
};

/** Several nodes need a server. */
const shared =
  inject('backend') === 'postgres'
    ? needs('ssh', 'dockerd', 'docker', 'busybox')
    : { describe: describe.skip };

shared.describe('container sessions of two nodes', () => {
  let docker: TestDocker;
  let first: Bastion;
  let second: Bastion;
  /** Of one person, over either node. */
  let clients: readonly [SshClient, ContainerSessionClient][];

  beforeAll(async () => {
    docker = await startDocker();
    first = await startBastion();
    second = await startSecondNode(first);
    const [here, there] = [
      await newClient(() => first.ssh),
      await newClient(() => second.ssh),
    ] as const;
    await docker.run('shop-web-1', { image: 'busybox', labels: LABELS });
    const keys = JSON.stringify([here.publicKey, there.publicKey]);
    await first.apply(`
users:
  - { name: ada, role: member, keys: ${keys} }
stacks:
  - { name: shop, engine: ${JSON.stringify(docker.address)} }
grants:
  - { to: { user: ada }, on: { stack: shop }, allow: [shell, exec] }
`);
    clients = [
      [here, new ContainerSessionClient(first)],
      [there, new ContainerSessionClient(second)],
    ];
    for (const [, api] of clients) await api.giveToken('ada');
  });

  afterAll(async () => {
    for (const [client] of clients ?? []) client[Symbol.dispose]();
    await second?.[Symbol.asyncDispose]();
    await first?.[Symbol.asyncDispose]();
    await docker?.[Symbol.asyncDispose]();
  });

  test('40 asked for at once over both leave 15 live; whom they put out on either reads why', async () => {
    await using screens = new AsyncDisposableStack();
    const before = [];
    for (const [client, api] of clients) {
      const { connection_info } = await api.ready('ada');
      const screen = screens.use(client.terminal(connection_info.username));
      await screen.shows('#');
      before.push(screen);
    }
    const made = await Promise.all(
      Array.from({ length: 20 }).flatMap(() =>
        clients.map(async ([, api]) => [api, await api.create('ada')] as const),
      ),
    );
    const ids: (number | undefined)[] = [];
    for (const [api, { id }] of made) {
      ids.push((await api.finished('ada', 'shop', id)).session_id);
    }
    for (const screen of before) {
      expect(await screen.exited(40_000)).not.toBe(0);
      expect(screen.raw).toContain('a newer session: service web of stack shop has at most 15');
    }
    const live = await eventually('15 are left', async () => {
      const rows = await second.sessions('status=active&limit=100');
      return rows.length === 15 ? rows : null;
    });
    const known = new Set(ids.map((id) => `sess_${id}`));
    expect(live.filter(({ id }) => !known.has(id))).toEqual([]);
    // One that was made on the first is come to over the second.
    const [one] = live;
    const id = Number(one?.id.replace('sess_', ''));
    for (const [client, api] of clients.toReversed()) {
      const path = `shop/sessions/fetch?session_id=${id}`;
      const { connection_info } = await api.ask('ada', path);
      const done = await client.ssh(connection_info.username, 'exit 3');
      expect(done.status).toBe(client === clients[1]?.[0] ? 3 : 255);
    }
  });
});
