import type { ClientChannel } from 'ssh2';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { AuthorizedRoute } from '../../src/domain/access.ts';
import type { Approval, Verdict } from '../../src/domain/approval.ts';
import { LocalChanges } from '../../src/domain/changes.ts';
import type { SignedIn } from '../../src/domain/control-plane.ts';
import { PosternError } from '../../src/domain/errors.ts';
import type { NewGrant } from '../../src/domain/grant.ts';
import { Approvals, type Need, SILENT } from '../../src/proxy/approvals.ts';
import { user } from '../store/examples.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { startSshd, type TestSshd } from '../support/sshd.ts';
import { exec, openProxyStage, type ProxyStage, runOn, seen } from './stage.ts';

/** Any grant at all. */
const NEED: Need<true> = {
  permit: ({ terms }) => {
    if (terms.length === 0) throw new PosternError('access.nothing');
    return true;
  },
  denied: () => undefined,
};

needs('sshd', 'ssh-keygen').describe('a session that needs an approval', () => {
  const changes = new LocalChanges();
  let stage: ProxyStage;
  let sshd: TestSshd;
  let lenaId: number;
  let stop: () => Promise<void>;
  let next = 0;
  beforeAll(async () => {
    sshd = await startSshd();
    stage = await openProxyStage();
    stop = stage.control.keepAccess(stage.gateway, changes);
    lenaId = (await stage.store.users.create(user({ name: 'lena' }))).id;
  });
  afterAll(async () => {
    await stop?.();
    await stage?.[Symbol.asyncDispose]();
    await sshd?.[Symbol.asyncDispose]();
  });

  let name: string;
  let machineId: number;
  beforeEach(async () => {
    next += 1;
    name = `safe${next}`;
    machineId = (await stage.addSshd(name, sshd)).id;
    // Its first grant needs none.
    const { rows } = await stage.store.grants.list({ machineId }, { limit: 1 });
    await stage.store.grants.remove(rows[0]?.id ?? 0);
  });

  function needing(more: Partial<NewGrant> = {}): Promise<unknown> {
    return stage.store.grants.create({
      ...{ to: { userId: stage.userId }, on: { machineId }, logins: [], allow: ['exec', 'sftp'] },
      ...{ forwardTo: [], fromNetworks: [], until: null, maxSession: null, idleTimeout: null },
      ...{ approval: { userId: lenaId } },
      ...more,
    });
  }

  async function pending(): Promise<readonly Approval[]> {
    const filter = { statuses: ['pending'] as const, viewer: null, now: new Date() };
    return (await stage.store.approvals.list(filter, { limit: 100 })).rows;
  }

  async function decide(verdict: Verdict): Promise<Approval> {
    const [request] = await eventually('a request', async () => {
      const all = await pending();
      return all.length === 0 ? null : all;
    });
    if (request === undefined) throw new Error('no request');
    const word = { name: 'lena', reason: '', at: new Date() };
    await stage.store.approvals.decide(request.id, verdict, word);
    changes.publish();
    return request;
  }

  test('is dialled once it is approved, and asked for once by channels of one burst', async () => {
    await needing();
    const client = await stage.connect(`alice+${name}`);
    const dials = stage.dials();
    const all = [runOn(client, 'echo one'), runOn(client, 'echo two')];
    await eventually('one request', async () => (await pending()).length === 1);
    expect(stage.dials()).toBe(dials);
    const { id } = await decide('approved');
    const [one, two] = await Promise.all(all);
    expect([one?.out.toString(), two?.out.toString()]).toEqual(['one\n', 'two\n']);
    expect(stage.dials()).toBe(dials + 1);
    const third = await runOn(client, 'echo three');
    expect(third).toMatchObject({ code: 0, err: '' });
    client.end();
    expect(await stage.ended()).toMatchObject({ approval: { id, approvedBy: 'lena' } });
    expect(await pending()).toEqual([]);
  });

  test('is denied to all that wait for it, and nothing is dialled', async () => {
    await needing();
    const client = await stage.connect(`alice+${name}`);
    const dials = stage.dials();
    const all = [runOn(client, 'echo one'), runOn(client, 'echo two')];
    await eventually('one request', async () => (await pending()).length === 1);
    const { id } = await decide('denied');
    for (const done of await Promise.all(all)) {
      expect(done).toMatchObject({ code: 255, out: Buffer.alloc(0) });
      expect(done.err).toContain(`postern: request apr_${id} was denied by lena\n`);
    }
    expect(stage.dials()).toBe(dials);
    client.end();
  });

  test('goes on for those who stay, and is called off with the last', async () => {
    await needing();
    const client = await stage.connect(`alice+${name}`);
    const waits = async (): Promise<ClientChannel> => {
      const channel = await exec(client, 'echo never');
      await new Promise((resolve) => channel.stderr.once('data', resolve));
      return channel;
    };
    const [first, second] = [await waits(), await waits()];
    const [request] = await pending();
    first.close();
    await seen(first);
    expect(await pending()).toMatchObject([{ id: request?.id }]);
    second.close();
    await eventually('it is called off', async () => (await pending()).length === 0);
    expect(await stage.store.approvals.get(request?.id ?? 0)).toMatchObject({
      status: 'called_off',
    });
    const again = runOn(client, 'echo again');
    expect((await decide('approved')).id).not.toBe(request?.id);
    expect(await again).toMatchObject({ code: 0 });
    client.end();
  });

  test('is not widened once it lives: what needs an approval needs its own connection', async () => {
    await needing({ allow: ['sftp'] });
    await needing({ allow: ['exec'], approval: null });
    const client = await stage.connect(`alice+${name}`);
    const held = await exec(client, 'cat');
    await eventually('it runs', async () => (await stage.session()).status === 'active');
    const refused = await new Promise<ClientChannel>((resolve, reject) => {
      client.subsys('sftp', (error, channel) => (error ? reject(error) : resolve(channel)));
    });
    expect(await seen(refused)).toMatchObject({
      err: expect.stringContaining('use a connection of its own'),
    });
    expect(await pending()).toEqual([]);
    held.end();
    await seen(held);
    client.end();
  });

  test('is refused where its grant expires before it is approved', async () => {
    await needing({ until: new Date(Date.now() + 1500) });
    const client = await stage.connect(`alice+${name}`);
    const done = await runOn(client, 'echo never');
    expect(done).toMatchObject({ code: 255, out: Buffer.alloc(0) });
    expect(done.err).toContain(`postern: your grant on ${name} has expired`);
    await eventually('it is called off', async () => (await pending()).length === 0);
    client.end();
  });

  test('notes nothing as denied that was approved, and what no approval helps as denied', async () => {
    await needing();
    const client = await stage.connect(`alice+${name}`);
    const before = (await stage.audit()).filter(({ type }) => type === 'channel.denied').length;
    const done = runOn(client, 'echo yes');
    await decide('approved');
    expect(await done).toMatchObject({ code: 0 });
    const shell = await new Promise<ClientChannel>((resolve, reject) => {
      client.shell(false, (error, channel) => (error ? reject(error) : resolve(channel)));
    });
    expect((await seen(shell)).err).toContain('no grant allows you shell');
    await eventually('it is noted once', async () => {
      const all = await stage.audit();
      return all.filter(({ type }) => type === 'channel.denied').length === before + 1;
    });
    client.end();
  });

  /** What a connection asks for itself, and its route now. */
  async function asking() {
    const who: SignedIn = { userId: stage.userId, userName: 'alice', proof: null };
    const facts = { connectionId: 'c', sourceAddress: '127.0.0.1', client: 'SSH-2.0-Test' };
    const answer = await stage.control.authorize(who, { machine: name, login: null }, facts);
    if (answer.outcome === 'denied') throw new Error(answer.code);
    const { route } = answer;
    const approvals = new Approvals(stage.control);
    const allow = (opener: number) =>
      approvals.allow({ user: who, facts, kind: 'exec', opener }, route, NEED, SILENT);
    const open = (approved: AuthorizedRoute) =>
      stage.control.openSession(who, approved, 'exec', facts);
    return { approvals, allow, open };
  }

  test('is not asked for by a connection that went while its route was decided', async () => {
    await needing();
    const { approvals, allow } = await asking();
    approvals.end();
    await expect(allow(0)).rejects.toMatchObject({ code: 'client.gone' });
    expect(await pending()).toEqual([]);
  });

  test('is asked for by each menu of a connection, and lets each begin its own', async () => {
    await needing();
    const { allow, open } = await asking();
    const both = [allow(1), allow(2)];
    await eventually('two requests', async () => (await pending()).length === 2);
    for (let times = 0; times < 2; times += 1) await decide('approved');
    const tickets = await Promise.all(both.map(async (one) => open((await one).route)));
    expect(new Set(tickets.map(({ sessionId }) => sessionId)).size).toBe(2);
    for (const { sessionId } of tickets) {
      await stage.control.closeSession(sessionId, 'client_closed', { bytesIn: 0, bytesOut: 0 });
    }
  });
});
