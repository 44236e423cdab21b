import type { ServerChannel } from 'ssh2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { finishChannel, onEow, sendExitSignal } from '../../src/ssh/channel.ts';
import { message, uint32, wireString } from '../../src/ssh/wire.ts';
import { Lab } from '../ssh/lab.ts';
import type { Attacker } from '../ssh/raw-peer.ts';
import { needs } from '../support/requirements.ts';
import { openProxyStage, type ProxyStage } from './stage.ts';
import { CLOSE, DATA, EOF, REQUEST, STDERR, story } from './story.ts';

function bytesOf(attacker: Attacker, type: number): Buffer {
  const header = type === DATA ? 9 : 13;
  const found = attacker.payloads.filter((payload) => payload[0] === type);
  return Buffer.concat(found.map((payload) => payload.subarray(header)));
}

function exitStatus(attacker: Attacker): number | undefined {
  const last = attacker.payloads.filter((payload) => payload[0] === REQUEST).at(-1);
  return last?.readUInt32BE(last.length - 4);
}

needs('sshd', 'ssh-keygen').describe(
  'invariant 5: at the end of a channel: output, exit status or signal, EOF, CLOSE',
  () => {
    const programs = new Map<string, (channel: ServerChannel) => void>();
    let stage: ProxyStage;
    let lab: Lab;
    beforeAll(async () => {
      stage = await openProxyStage();
      lab = await Lab.start({ onExec: (channel, command) => programs.get(command)?.(channel) });
      await stage.add({ name: 'box', port: lab.port });
    });
    afterAll(async () => {
      await stage?.[Symbol.asyncDispose]();
      await lab?.[Symbol.asyncDispose]();
    });

    /** Runs a program of the machine's for a client with this window. */
    async function run(
      program: (channel: ServerChannel) => void,
      window = 2 ** 26,
    ): Promise<Attacker> {
      const command = `program ${programs.size}`;
      programs.set(command, program);
      const attacker = await stage.attack('alice+box');
      attacker.openSession(window);
      await attacker.hears(91);
      attacker.request('exec', true, wireString(command));
      await attacker.hears(99);
      return attacker;
    }

    test('the last words are taken before the connection ends, by a client that takes its time', async () => {
      await using attacker = await run((channel) => channel.write('ready'));
      attacker.muted.add(CLOSE);
      await attacker.hears(DATA);
      const { id } = await stage.session();
      const ending = stage.gateway.terminate(id, 'terminated', 'root');
      await attacker.hears(CLOSE);
      expect(bytesOf(attacker, STDERR).toString()).toContain('ended by root');
      // Whatever follows the CLOSE comes before this answer.
      attacker.send(message(80, wireString('keepalive@openssh.com'), Uint8Array.of(1)));
      await Promise.any([attacker.hears(81), attacker.hears(82)]);
      expect(attacker.count(1)).toBe(0);
      attacker.send(message(CLOSE, uint32(0)));
      await attacker.hears(1);
      expect(await ending).toBe(true);
    });

    test('for an exit code', async () => {
      await using attacker = await run((channel) => {
        channel.write('done');
        void finishChannel(channel, { status: 7 });
      });
      await attacker.hears(CLOSE);
      expect(story(attacker)).toEqual(['output', 'exit-status', 'EOF', 'CLOSE']);
      expect(exitStatus(attacker)).toBe(7);
    });

    test('for a signal, whatever its name', async () => {
      await using attacker = await run((channel) => {
        channel.write('half');
        sendExitSignal(channel, { signal: 'SEGV@here', coreDumped: true, message: 'so it goes' });
        void finishChannel(channel);
      });
      await attacker.hears(CLOSE);
      expect(story(attacker)).toEqual(['output', 'exit-signal', 'EOF', 'CLOSE']);
      const said = attacker.payloads.find((payload) => payload[0] === REQUEST);
      const fields = [wireString('SEGV@here'), Buffer.of(1), wireString('so it goes')];
      expect(said?.includes(Buffer.concat(fields))).toBe(true);
    });

    test('for a flood that ends in one last line', async () => {
      const flood = Buffer.alloc(3_000_000, 'flood ');
      await using attacker = await run((channel) => {
        channel.write(flood);
        channel.write('the last line');
        void finishChannel(channel, { status: 0 });
      });
      await attacker.hears(CLOSE);
      expect(story(attacker)).toEqual(['output', 'exit-status', 'EOF', 'CLOSE']);
      const all = bytesOf(attacker, DATA);
      expect(all.length).toBe(flood.length + 13);
      expect(all.toString('latin1', flood.length)).toBe('the last line');
    });

    test('for a long tail of stderr', async () => {
      const tail = Buffer.alloc(1_500_000, 'E');
      await using attacker = await run((channel) => {
        channel.write('out');
        channel.stderr.write(tail);
        void finishChannel(channel, { status: 3 });
      });
      await attacker.hears(CLOSE);
      expect(story(attacker).slice(-3)).toEqual(['exit-status', 'EOF', 'CLOSE']);
      expect(bytesOf(attacker, STDERR).equals(tail)).toBe(true);
      expect(bytesOf(attacker, DATA).toString()).toBe('out');
      expect(exitStatus(attacker)).toBe(3);
    });

    test('for a user who half-closed first', async () => {
      await using attacker = await run((channel) => {
        const got: Buffer[] = [];
        channel.on('data', (chunk: Buffer) => got.push(chunk));
        channel.once('end', () => {
          channel.write(`got ${Buffer.concat(got).toString()}`);
          void finishChannel(channel, { status: 0 });
        });
      });
      attacker.send(message(DATA, uint32(0), wireString('all of it')), message(EOF, uint32(0)));
      await attacker.hears(CLOSE);
      expect(story(attacker)).toEqual(['output', 'exit-status', 'EOF', 'CLOSE']);
      expect(bytesOf(attacker, DATA).toString()).toBe('got all of it');
    });

    test('for a machine that says nothing about the end', async () => {
      await using attacker = await run((channel) => {
        channel.write('bye');
        void finishChannel(channel);
      });
      await attacker.hears(CLOSE);
      expect(story(attacker)).toEqual(['output', 'EOF', 'CLOSE']);
    });

    test('for an exit status beyond 2^31, which is in the record too', async () => {
      await using attacker = await run((channel) => {
        void finishChannel(channel, { status: 0xffffffff });
      });
      await attacker.hears(CLOSE);
      expect(exitStatus(attacker)).toBe(0xffffffff);
      const session = await stage.session();
      attacker.client.end();
      expect((await stage.ended(session.id)).exitStatus).toBe(0xffffffff);
    });

    test('for a user whose reader has left: stderr still comes, and the exit status', async () => {
      const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
      await using attacker = await run((channel) => {
        channel.write('first');
        onEow(channel, () => {
          stop();
          channel.write('nobody wants this');
          channel.stderr.write('but this');
          void finishChannel(channel, { status: 141 });
        });
      });
      await attacker.hears(DATA);
      attacker.request('eow@openssh.com', false);
      await stopped;
      await attacker.hears(CLOSE);
      expect(story(attacker).slice(-3)).toEqual(['exit-status', 'EOF', 'CLOSE']);
      expect(bytesOf(attacker, DATA).toString()).toBe('first');
      expect(bytesOf(attacker, STDERR).toString()).toBe('but this');
      expect(exitStatus(attacker)).toBe(141);
    });

    test('for a reader who left with the window full', async () => {
      await using attacker = await run((channel) => {
        onEow(channel, () => void finishChannel(channel, { status: 141 }));
        channel.write(Buffer.alloc(8_000_000, 'y\n'));
      }, 10_000);
      attacker.muted.add(DATA);
      await attacker.hears(DATA);
      attacker.request('eow@openssh.com', false);
      await attacker.hears(CLOSE);
      expect(story(attacker)).toEqual(['output', 'exit-status', 'CLOSE']);
      expect(exitStatus(attacker)).toBe(141);
    });
  },
);
