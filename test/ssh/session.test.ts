import { once } from 'node:events';
import { connect } from 'node:net';
import type { ClientChannel } from 'ssh2';
import { expect, test } from 'vitest';
import { exitInfo, sendExitSignal, sendSignal, sendWindowChange } from '../../src/ssh/channel.ts';
import { connectClient } from '../../src/ssh/client.ts';
import { openSession } from '../../src/ssh/pty.ts';
import { bothLegs, Lab, upstream } from './lab.ts';
import { within } from './raw-peer.ts';

const exec = (command: string) => ({ program: { type: 'exec', command } }) as const;

test('any signal name passes, both ways, after our end of file too', async () => {
  const seen: unknown[] = [];
  await using legs = await bothLegs({
    onSession: (session) => {
      session.on('signal', (_accept, _reject, info) => {
        seen.push(info.name);
        const channel = legs.lab.channels[0];
        if (!channel) return;
        sendExitSignal(channel, { signal: 'BUS', coreDumped: true, message: 'boom' });
        channel.close();
      });
      session.on('window-change', (_accept, _reject, info) => seen.push([info.cols, info.rows]));
    },
  });
  const channel = await openSession(legs.client, exec('x'));
  channel.end();
  channel.resume();
  channel.stderr.resume();
  const closed = once(channel, 'close');
  sendWindowChange(channel, { cols: 100, rows: 30, width: 0, height: 0 });
  sendSignal(channel, 'INFO');
  await within(closed, 'close');
  expect(seen).toEqual([[100, 30], 'INFO']);
  expect(exitInfo(channel)).toEqual({ signal: 'BUS', coreDumped: true, message: 'boom' });
});

test('a machine that refuses the session, the terminal or the program says so', async () => {
  await using legs = await bothLegs({
    limits: { maxChannels: 1 },
    onSession: (session) => {
      session.on('pty', (_accept, reject) => reject());
      session.on('subsystem', (_accept, reject) => reject());
    },
  });
  const pty = { term: 'xterm', cols: 80, rows: 24, width: 0, height: 0, modesRaw: Buffer.alloc(1) };
  const noTerminal = openSession(legs.client, { pty, program: { type: 'shell' } });
  await expect(noTerminal).rejects.toThrow('The machine refused a terminal.');
  const noProgram = openSession(legs.client, { program: { type: 'subsystem', name: 'none' } });
  await expect(noProgram).rejects.toThrow('The machine refused the subsystem.');
  const one = await openSession(legs.client, exec('x'));
  await expect(openSession(legs.client, exec('y'))).rejects.toThrow(
    'The machine refused a session.',
  );
  one.close();
});

test('a machine that does not answer, or goes away, does not keep a session waiting', async () => {
  await using legs = await bothLegs({
    onSession: (session) => session.on('shell', () => undefined),
  });
  const late = openSession(legs.client, { program: { type: 'shell' }, timeoutMs: 100 });
  await expect(late).rejects.toThrow('in time');
  const gone = openSession(legs.client, { program: { type: 'shell' } });
  legs.client.end();
  await expect(gone).rejects.toThrow(/gone|refused/);
  await within(legs.closed, 'close');
  await expect(openSession(legs.client, exec('x'))).rejects.toThrow('gone');
});

test('a connection through another machine works, and ends with it', async () => {
  await using inner = await Lab.start({
    onExec: (channel) => {
      channel.write('inner');
      channel.exit(0);
      channel.end();
    },
  });
  await using outer = await bothLegs({
    onConnection: ({ connection }) =>
      connection.on('tcpip', (accept, _reject, to) => {
        const channel = accept();
        const socket = connect(to.destPort, to.destIP);
        socket.on('error', () => undefined);
        channel.pipe(socket).pipe(channel);
        channel.on('close', () => socket.destroy());
      }),
  });
  const sock = await new Promise<ClientChannel>((resolve, reject) =>
    outer.client.forwardOut('', 0, '127.0.0.1', inner.port, (error, channel) =>
      error ? reject(error) : resolve(channel),
    ),
  );
  const client = await connectClient(upstream(1, { sock }));
  const channel = await openSession(client, exec('x'));
  const [data] = await within(once(channel, 'data'), 'output');
  expect(String(data)).toBe('inner');
  const closed = once(client, 'close');
  outer.client.destroy();
  await within(closed, 'the end of the inner connection');
});
