import { once } from 'node:events';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerChannel } from 'ssh2';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { finishChannel } from '../../src/ssh/channel.ts';
import { Lab } from '../ssh/lab.ts';
import { checkAsciicast } from '../support/asciicast.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { exec, openProxyStage, type ProxyStage, runOn, seen } from './stage.ts';

needs('sshd', 'ssh-keygen').describe('recordings', () => {
  let stage: ProxyStage;
  let lab: Lab;
  let program: (channel: ServerChannel) => void;
  beforeAll(async () => {
    stage = await openProxyStage();
    lab = await Lab.start({
      onSession: (session) => void session.on('pty', (accept) => accept?.()),
      onExec: (channel) => program(channel),
    });
    await stage.add({ name: 'strict', port: lab.port, recording: 'required' });
    await stage.add({ name: 'mild', port: lab.port, recording: 'best_effort' });
    await stage.add({ name: 'none', port: lab.port, recording: 'off' });
  });
  beforeEach(() => {
    program = (channel) => {
      channel.write('shown');
      void finishChannel(channel, { status: 0 });
    };
  });
  afterEach(() => {
    if (!existsSync(stage.recordings)) renameSync(away(), stage.recordings);
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });

  const away = (): string => `${stage.recordings}.away`;

  /** Of the newest session. */
  async function failures(): Promise<readonly unknown[]> {
    const { id } = await stage.session();
    const events = await stage.audit(id);
    return events.filter(({ type }) => type === 'recording.failed').map(({ detail }) => detail);
  }

  describe('a recording that cannot be made', () => {
    beforeEach(() => renameSync(stage.recordings, away()));

    test('where it is required: 254, a line, no dial, and the reason in the row', async () => {
      const client = await stage.connect('alice+strict');
      expect(await runOn(client, 'x')).toMatchObject({
        code: 254,
        err: 'postern: this session must be recorded and cannot be, so it was not started\n',
      });
      expect(lab.connections).toHaveLength(0);
      expect(await stage.ended()).toMatchObject({
        endReason: 'recording_failed',
        status: 'failed',
      });
      expect(await eventually('the event', async () => (await failures())[0])).toEqual({
        channel: 1,
        policy: 'required',
        started: false,
      });
      client.end();
    });

    test('where it is best effort: the program runs, and the audit says so', async () => {
      const client = await stage.connect('alice+mild');
      expect(await runOn(client, 'x')).toMatchObject({ code: 0, err: '' });
      client.end();
      expect(await stage.ended()).toMatchObject({ endReason: 'client_closed' });
      expect(await failures()).toHaveLength(1);
    });

    test('where none is made: nothing is said', async () => {
      const client = await stage.connect('alice+none');
      expect(await runOn(client, 'x')).toMatchObject({ code: 0, err: '' });
      client.end();
      await stage.ended();
      expect(await failures()).toEqual([]);
    });
  });

  describe('a recording that breaks in the middle', () => {
    beforeEach(() => {
      program = (channel) => {
        channel.write('before\n');
        channel.on('data', (chunk: Buffer) => channel.write(chunk));
      };
    });

    test('where it is required: the session ends with a line and 254, in the row and in the audit', async () => {
      const client = await stage.connect('alice+strict');
      const channel = await exec(client, 'x');
      const done = seen(channel);
      await once(channel, 'data');
      renameSync(stage.recordings, away());
      channel.write('more');
      expect(await done).toMatchObject({
        code: 254,
        err: 'postern: this session must be recorded and its recording broke, so it was ended\n',
      });
      const session = await stage.ended();
      expect(session).toMatchObject({ endReason: 'recording_failed', status: 'failed' });
      const [recording] = await stage.store.sessions.recordings(session.id);
      expect(recording?.state).toBe('truncated');
      expect(await failures()).toEqual([{ channel: 1, policy: 'required' }]);
      client.end();
    });

    test('where it is best effort: the program goes on, output and all', async () => {
      const client = await stage.connect('alice+mild');
      const channel = await exec(client, 'x');
      const done = seen(channel);
      await once(channel, 'data');
      renameSync(stage.recordings, away());
      channel.write('more');
      await eventually('the event', async () => (await failures()).length === 1);
      const flood = Buffer.alloc(1_500_000, 'on and on ');
      channel.write(flood);
      channel.write('end');
      lab.channels.at(-1)?.once('end', () => {
        const machine = lab.channels.at(-1);
        if (machine !== undefined) void finishChannel(machine, { status: 5 });
      });
      channel.end();
      const { code, out, err } = await done;
      expect({ code, err, length: out.length }).toEqual({
        code: 5,
        err: '',
        length: 7 + 4 + flood.length + 3,
      });
      client.end();
      expect(await stage.ended()).toMatchObject({ endReason: 'client_closed' });
    });
  });

  describe('invariant 2: what a user saw is in the recording', () => {
    const texts = Array.from(
      { length: 400 },
      (_, line) => `line ${line} 漢字 ${'x'.repeat(line)}\n`,
    );

    test('of a session that is ended in the middle of a flood', async () => {
      const text = Buffer.from(texts.join(''));
      program = (channel) => {
        const more = (): void => {
          while (channel.writable && channel.write(text));
          if (channel.writable) channel.once('drain', more);
        };
        more();
      };
      const client = await stage.connect('alice+strict');
      const channel = await exec(client, 'x', { pty: true });
      const done = seen(channel);
      await once(channel, 'data');
      const { id } = await stage.session();
      await stage.gateway.terminate(id, 'terminated', 'root');
      const { out } = await done;
      const [recording] = await stage.store.sessions.recordings(id);
      const cast = checkAsciicast(readFileSync(join(stage.recordings, recording?.key ?? '')));
      expect(recording?.state).toBe('complete');
      expect(out.length).toBeGreaterThan(text.length / 10);
      // The last character may have been cut on its way to the user.
      const shown = out.toString().replace(/\ufffd+$/, '');
      expect(cast.text.startsWith(shown)).toBe(true);
      client.end();
    });

    test('it is whole on disk before the user hears that the program ended', async () => {
      const client = await stage.connect('alice+strict');
      const channel = await exec(client, 'x', { pty: true });
      channel.resume();
      await once(channel, 'exit');
      const { id } = await stage.session();
      const recording = await eventually('its row', async () => {
        const [found] = await stage.store.sessions.recordings(id);
        return found;
      });
      const cast = checkAsciicast(readFileSync(join(stage.recordings, recording.key)));
      expect(cast.text).toBe('shown');
      client.end();
      await stage.ended(id);
      expect(await stage.store.sessions.recordings(id)).toMatchObject([
        { state: 'complete', channel: 1, key: recording.key },
      ]);
    });
  });
});
