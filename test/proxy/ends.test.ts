import { once } from 'node:events';
import type { ServerChannel } from 'ssh2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Session } from '../../src/domain/session.ts';
import { message, uint32, wireString } from '../../src/ssh/wire.ts';
import { Lab } from '../ssh/lab.ts';
import { inside } from '../ssh/raw-peer.ts';
import { eventually, within } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { exec, openProxyStage, type ProxyStage, runOn, seen } from './stage.ts';

const FLOOD = Buffer.alloc(64 * 1024, 'flood\n');

/** Writes for as long as somebody takes it. */
function flood(channel: ServerChannel): void {
  const more = (): void => {
    while (channel.writable && channel.write(FLOOD));
    if (channel.writable) channel.once('drain', more);
  };
  more();
}

needs('sshd', 'ssh-keygen').describe('the end of a session', () => {
  const programs: Record<string, (channel: ServerChannel) => void> = {
    flood,
    wait: (channel) => channel.write('ready'),
  };
  let stage: ProxyStage;
  let lab: Lab;
  /** While it is there, the machine lets nobody in. */
  let held: PromiseWithResolvers<void> | null = null;
  let knocked = Promise.withResolvers<void>();
  beforeAll(async () => {
    stage = await openProxyStage();
    lab = await Lab.start({
      onAuth: (context) => {
        knocked.resolve();
        if (held === null) context.accept();
        else void held.promise.then(() => context.accept());
      },
      onSession: (session) => void session.on('pty', (accept) => accept?.()),
      onExec: (channel, command) => programs[command]?.(channel),
    });
    await stage.add({ name: 'box', port: lab.port });
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });

  function hold(): PromiseWithResolvers<void> {
    knocked = Promise.withResolvers<void>();
    held = Promise.withResolvers<void>();
    return held;
  }

  function letGo(): void {
    held?.resolve();
    held = null;
  }

  /** Row, counters and audit say the same, once. */
  async function agree(id: number, reason: string): Promise<Session> {
    const session = await stage.ended(id);
    expect(session.endReason).toBe(reason);
    const ends = await eventually('the event', async () => {
      const events = await stage.audit(id);
      const found = events.filter(({ type }) => type === 'session.ended');
      return found.length === 0 ? null : found;
    });
    expect(ends.map(({ detail: { reason: told } }) => told)).toEqual([reason]);
    await eventually('the counters', async () => (await stage.counters.active()).sessions === 0);
    expect(stage.gateway.count).toBe(0);
    const channels = await stage.store.sessions.channels(id);
    expect(channels.filter(({ endedAt }) => endedAt === null)).toEqual([]);
    return session;
  }

  test('invariant 4: it ends as the user leaves, and all that is written agrees', async () => {
    const client = await stage.connect('alice+box');
    const channel = await exec(client, 'wait');
    await once(channel, 'data');
    const { id } = await stage.session();
    expect(stage.gateway.count).toBe(1);
    expect((await stage.counters.active()).sessions).toBe(1);
    channel.write('0123456789');
    await eventually('the input', () => lab.channels.at(-1)?.readableLength === 10);
    client.destroy();
    const session = await agree(id, 'client_lost');
    expect([session.bytesIn, session.bytesOut, session.status]).toEqual([10, 5, 'stopped']);
  });

  test('invariant 4: one reason and one event, whoever comes first', async () => {
    const client = await stage.connect('alice+box');
    const channels = await Promise.all(['wait', 'flood', 'wait'].map((one) => exec(client, one)));
    for (const channel of channels) channel.resume();
    await eventually('the output', async () => (await stage.session()).status === 'active');
    const { id } = await stage.session();
    const terminations = [1, 2].map(() => stage.gateway.terminate(id, 'terminated', 'root'));
    client.destroy();
    for (const { connection } of lab.connections) inside(connection)._sock.destroy();
    expect((await Promise.all(terminations)).at(0)).toBe(true);
    await agree(id, 'terminated');
    expect(await stage.gateway.terminate(id, 'terminated', 'root')).toBe(false);
  });

  test.each(['client first', 'machine first'])(
    'invariant 4: client and machine at once (%s)',
    async (order) => {
      const client = await stage.connect('alice+box');
      const channel = await exec(client, 'wait');
      await once(channel, 'data');
      const { id } = await stage.session();
      const machine = inside(lab.connections.at(-1)?.connection)._sock;
      const both = [() => client.destroy(), () => machine.destroy()];
      for (const cut of order === 'client first' ? both : both.reverse()) cut();
      const session = await stage.ended(id);
      expect(['client_lost', 'client_closed', 'machine_lost']).toContain(session.endReason);
      await agree(id, String(session.endReason));
    },
  );

  test('terminated while the machine is dialled: a line, 255, and no word against the machine', async () => {
    hold();
    const client = await stage.connect('alice+box');
    const running = runOn(client, 'wait');
    await within('a knock', knocked.promise);
    const { id } = await stage.session();
    expect(await stage.gateway.terminate(id, 'terminated', 'root')).toBe(true);
    expect(await running).toMatchObject({
      code: 255,
      err: 'postern: this session was ended by root\n',
    });
    letGo();
    await agree(id, 'terminated');
    const types = (await stage.audit(id)).map(({ type }) => type);
    expect(types).not.toContain('machine.failed');
  });

  test('the client gone while the machine is dialled: nothing is started there', async () => {
    hold();
    const before = lab.channels.length;
    const client = await stage.connect('alice+box');
    client.exec('wait', () => undefined);
    await within('a knock', knocked.promise);
    const { id } = await stage.session();
    client.destroy();
    await agree(id, 'client_lost');
    letGo();
    await eventually('the end of the dial', () => lab.connections.every(({ alive }) => !alive));
    expect(lab.channels).toHaveLength(before);
  });

  test('a channel closed while the machine is dialled: its command never runs', async () => {
    hold();
    const before = lab.channels.length;
    await using attacker = await stage.attack('alice+box');
    attacker.openSession();
    await attacker.hears(91);
    attacker.request('exec', true, wireString('wait'));
    await within('a knock', knocked.promise);
    attacker.send(message(97, uint32(0)));
    await attacker.hears(97);
    letGo();
    // The session lives, and the next program runs.
    attacker.openSession(2 ** 21, 32_768, 1);
    await attacker.hears(91, 2);
    attacker.request('exec', true, wireString('wait'), 1);
    await attacker.hears(94);
    expect(lab.channels).toHaveLength(before + 1);
    const { id } = await stage.session();
    await eventually('both channels are noted', async () => {
      return (await stage.store.sessions.channels(id)).length === 2;
    });
  });

  test('a channel closed by its user in the middle, its input unread: the program hears of it', async () => {
    const client = await stage.connect('alice+box');
    const channel = await exec(client, 'wait');
    await once(channel, 'data');
    const { id } = await stage.session();
    // More than the machine's window and the queues on the way hold: the user's side is paused.
    channel.write(Buffer.alloc(10_000_000));
    const program = lab.channels.at(-1);
    await eventually('a full pipe', () => (program?.readableLength ?? 0) >= 2 ** 21);
    channel.close();
    await eventually('the end of the channel', async () => {
      const [noted] = await stage.store.sessions.channels(id);
      return noted?.endedAt;
    });
    expect(await stage.store.sessions.get(id)).toMatchObject({ status: 'active' });
    client.destroy();
    await stage.ended(id);
  });

  test('the client gone in the middle of a flood: the machine is let go', async () => {
    const client = await stage.connect('alice+box');
    const channel = await exec(client, 'flood');
    await once(channel, 'data');
    const { id } = await stage.session();
    const machine = lab.connections.at(-1);
    client.destroy();
    await agree(id, 'client_lost');
    await within('the end of the machine', machine?.closed ?? Promise.reject());
  });

  test('terminated in a flood: the line comes after what was shown, and 255', async () => {
    const client = await stage.connect('alice+box');
    const channel = await exec(client, 'flood');
    const done = seen(channel);
    await once(channel, 'data');
    const { id } = await stage.session();
    await stage.gateway.terminate(id, 'terminated', 'root');
    const { code, err, out } = await done;
    expect({ code, err }).toEqual({ code: 255, err: 'postern: this session was ended by root\n' });
    expect(out.length).toBeGreaterThan(0);
    expect((await agree(id, 'terminated')).bytesOut).toBeGreaterThanOrEqual(out.length);
  });

  test('terminated while the client reads nothing: it ends all the same', async () => {
    await using attacker = await stage.attack('alice+box');
    attacker.muted.add(94);
    attacker.openSession(10_000);
    await attacker.hears(91);
    attacker.request('exec', true, wireString('flood'));
    await attacker.hears(94);
    const { id } = await stage.session();
    await stage.gateway.terminate(id, 'terminated', 'root');
    await agree(id, 'terminated');
    await attacker.hears(97);
    await within('the end', attacker.closed);
  });

  test('the machine gone in the middle: every channel has a line and 255', async () => {
    const client = await stage.connect('alice+box');
    const two = await Promise.all([exec(client, 'wait'), exec(client, 'wait')]);
    const ends = two.map(seen);
    await Promise.all(two.map((channel) => once(channel, 'data')));
    const { id } = await stage.session();
    inside(lab.connections.at(-1)?.connection)._sock.destroy();
    for (const { code, err } of await Promise.all(ends)) {
      expect(code).toBe(255);
      expect(err).toBe('postern: the connection to box was lost\n');
    }
    await agree(id, 'machine_lost');
    // The connection is still there: the next program has a new session.
    const channel = await exec(client, 'wait');
    await once(channel, 'data');
    expect((await stage.session()).id).not.toBe(id);
    client.destroy();
    await stage.ended();
  });

  test('on a terminal the line stands on a line of its own', async () => {
    const client = await stage.connect('alice+box');
    const channel = await exec(client, 'wait', { pty: true });
    const done = seen(channel);
    await once(channel, 'data');
    const { id } = await stage.session();
    await stage.gateway.terminate(id, 'terminated', 'root');
    expect((await done).err).toBe('\r\npostern: this session was ended by root\r\n');
  });

  test('a user who was idle leaves, and the reason says that nothing was cut', async () => {
    const client = await stage.connect('alice+box');
    const channel = await exec(client, 'wait');
    const done = seen(channel);
    await once(channel, 'data');
    lab.channels.at(-1)?.exit(0);
    lab.channels.at(-1)?.end();
    expect((await done).code).toBe(0);
    const { id } = await stage.session();
    client.end();
    await agree(id, 'client_closed');
  });

  test('drain: each user is told, each row says so, nobody is let in after it', async () => {
    const other = await openProxyStage();
    await other.add({ name: 'box', port: lab.port });
    const clients = await Promise.all([1, 2, 3].map(() => other.connect('alice+box')));
    const channels = await Promise.all(clients.map((client) => exec(client, 'wait')));
    const ends = channels.map(seen);
    await Promise.all(channels.map((channel) => once(channel, 'data')));
    const late = await other.connect('alice+box');
    await other.gateway.drain();
    for (const { code, err } of await Promise.all(ends)) {
      expect({ code, err }).toEqual({
        code: 255,
        err: 'postern: the bastion is shutting down\n',
      });
    }
    await expect(exec(late, 'wait')).rejects.toThrow();
    await expect(other.connect('alice+box')).rejects.toThrow();
    const { rows } = await other.store.sessions.list({ statuses: null }, { limit: 10 });
    expect(rows.map(({ endReason }) => endReason)).toEqual(['drained', 'drained', 'drained']);
    await other[Symbol.asyncDispose]();
  });
});
