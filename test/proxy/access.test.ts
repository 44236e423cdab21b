import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { wireString } from '../../src/ssh/wire.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { startSshd, type TestSshd } from '../support/sshd.ts';
import { openProxyStage, type ProxyStage, runOn } from './stage.ts';

/** A port that notices everyone who comes. */
async function tripwire(): Promise<{ server: Server; port: number; visits: () => number }> {
  let visits = 0;
  const server = createServer((socket) => {
    visits += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { server, port, visits: () => visits };
}

needs('sshd', 'ssh-keygen').describe(
  'invariant 1: nothing is dialled without an access decision',
  () => {
    let stage: ProxyStage;
    let wire: Awaited<ReturnType<typeof tripwire>>;
    beforeAll(async () => {
      stage = await openProxyStage();
      wire = await tripwire();
      await stage.add({ name: 'forbidden', port: wire.port }, null);
      await stage.add({ name: 'narrow', port: wire.port }, { allow: ['exec'] });
      await stage.add({ name: 'over', port: wire.port }, { until: new Date(Date.now() - 1000) });
      await stage.add({ name: 'far', port: wire.port }, { fromNetworks: ['192.0.2.0/24'] });
      await stage.add({ name: 'hidden', port: wire.port }, { logins: ['deploy'] });
    });
    afterAll(async () => {
      await stage?.[Symbol.asyncDispose]();
      wire?.server.close();
    });

    test.each([
      ['a machine without a grant', 'alice+forbidden', 'no machine forbidden that you may reach'],
      ['a machine that is not there', 'alice+nowhere', 'no machine nowhere that you may reach'],
      ['another login', 'alice+admin@narrow', 'no grant allows you the login admin on narrow'],
      [
        'the default login where the grant names others',
        'alice+hidden',
        'the login root on hidden',
      ],
      ['a grant that has expired', 'alice+over', 'your grant on over has expired'],
      ['a grant for another network', 'alice+far', 'your grant on far is not valid from this'],
    ])('for %s', async (_what, destination, line) => {
      const client = await stage.connect(destination);
      const { code, err, out } = await runOn(client, 'id');
      expect({ code, out: out.toString() }).toEqual({ code: 255, out: '' });
      expect(err).toMatch(/^postern: .*\n$/);
      expect(err).toContain(line);
      expect([wire.visits(), stage.dials()]).toEqual([0, 0]);
      client.end();
    });

    test.each([
      ['shell', Buffer.alloc(0), 'no grant allows you shell on narrow'],
      ['subsystem', wireString('sftp'), 'no grant allows you sftp on narrow'],
    ])('for a %s that the grant does not name', async (request, data, line) => {
      await using attacker = await stage.attack('alice+narrow');
      attacker.openSession();
      await attacker.hears(91);
      attacker.request(request, true, data);
      await attacker.hears(97);
      const said = attacker.payloads.find((payload) => payload[0] === 95);
      expect(said?.toString('latin1')).toContain(line);
      expect([wire.visits(), stage.dials()]).toEqual([0, 0]);
    });

    test('none of them is a session, and each is noted', async () => {
      expect((await stage.store.sessions.list({ statuses: null }, { limit: 1 })).rows).toEqual([]);
      const denied = (await stage.audit()).filter(({ type }) => /denied$/.test(type));
      const codes = denied.map(({ detail: { code, capability } }) => code ?? capability);
      for (const code of ['access.login', 'access.expired', 'access.network', 'sftp', 'shell']) {
        expect(codes).toContain(code);
      }
    });

    test('forwards of every kind are refused, and noted', async () => {
      const client = await stage.connect('alice+narrow');
      const { promise: direct, resolve } = Promise.withResolvers<Error | undefined>();
      client.forwardOut('127.0.0.1', 1, '127.0.0.1', wire.port, resolve);
      expect(String(await direct)).toMatch(/prohibited|denied|fail/i);
      const { promise: back, resolve: answered } = Promise.withResolvers<Error | undefined>();
      client.forwardIn('127.0.0.1', 0, answered);
      expect(String(await back)).toMatch(/Unable to bind/);
      const { promise: socket, resolve: said } = Promise.withResolvers<Error | undefined>();
      client.openssh_forwardOutStreamLocal('/var/run/docker.sock', said);
      expect(String(await socket)).toMatch(/prohibited|denied|fail/i);
      client.end();
      const all = [
        'forward-local unix:/var/run/docker.sock',
        `forward-local 127.0.0.1:${wire.port}`,
      ];
      await eventually('the events', async () => {
        const noted = (await stage.audit()).filter(({ type }) => type === 'channel.denied');
        const told = noted.map(({ detail: { capability, wanted } }) => `${capability} ${wanted}`);
        return [...all, 'forward-remote 127.0.0.1:0'].every((one) => told.includes(one));
      });
      expect(wire.visits()).toBe(0);
    });
  },
);

needs('ssh', 'sshd').describe('a decision holds for one session and no longer', () => {
  let stage: ProxyStage;
  let sshd: TestSshd;
  beforeAll(async () => {
    stage = await openProxyStage();
    sshd = await startSshd();
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
    await sshd?.[Symbol.asyncDispose]();
  });

  test('after the session a connection that is still there is asked about again', async () => {
    const web = await stage.addSshd('web', sshd);
    const client = await stage.connect('alice+web');
    expect(await runOn(client, 'echo in')).toMatchObject({ code: 0 });
    const first = await stage.session();
    // The machine goes, and with it the session; the user's connection stays.
    await sshd.stop();
    expect(await stage.ended(first.id)).toMatchObject({ endReason: 'machine_lost' });
    const { rows } = await stage.store.grants.list({ machineId: web.id }, { limit: 10 });
    for (const { id } of rows) await stage.store.grants.remove(id);
    const dials = stage.dials();
    const again = await runOn(client, 'echo in');
    expect(again.err).toBe('postern: no machine web that you may reach\n');
    expect(stage.dials()).toBe(dials);
    await sshd.start();
  });

  test('one session is for one machine: what the user is given meanwhile does not move it', async () => {
    const here = await stage.addSshd('here', sshd);
    for (const { id } of (await stage.store.grants.list({ userId: stage.userId }, { limit: 50 }))
      .rows) {
      const grant = await stage.store.grants.get(id);
      if (grant !== null && !('machineId' in grant.on && grant.on.machineId === here.id)) {
        await stage.store.grants.remove(id);
      }
    }
    const client = await stage.connect('alice');
    expect(await runOn(client, 'echo one')).toMatchObject({ err: '', code: 0 });
    await stage.addSshd('there', sshd);
    expect(await runOn(client, 'echo two')).toMatchObject({ code: 0 });
    const session = await stage.session();
    expect(session.machineName).toBe('here');
    await eventually('both channels are noted', async () => {
      return (await stage.store.sessions.channels(session.id)).length === 2;
    });
  });
});
