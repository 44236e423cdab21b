import { afterAll, beforeAll, expect, test } from 'vitest';
import { message, uint32, wireString } from '../../src/ssh/wire.ts';
import type { Attacker } from '../ssh/raw-peer.ts';
import { needs } from '../support/requirements.ts';
import { startSshd, type TestSshd } from '../support/sshd.ts';
import { openProxyStage, type ProxyStage } from './stage.ts';
import { CLOSE, EOF, story } from './story.ts';

const PTY = Buffer.concat([
  wireString('xterm'),
  ...[80, 24, 0, 0].map(uint32),
  wireString(Buffer.of(0)),
]);

needs('sshd', 'ssh-keygen').describe(
  'invariant 5, with OpenSSH as the machine: output, exit status or signal, EOF, CLOSE',
  () => {
    let stage: ProxyStage;
    let sshd: TestSshd;
    beforeAll(async () => {
      stage = await openProxyStage();
      sshd = await startSshd({ more: ['Subsystem hello printf hello; cat; exit 3'] });
      await stage.addSshd('real', sshd);
    });
    afterAll(async () => {
      await stage?.[Symbol.asyncDispose]();
      await sshd?.[Symbol.asyncDispose]();
    });

    /** Asks for a program, ends its input, and hears all that comes. */
    async function end(
      to: string,
      type: string,
      data: Buffer,
      options: { readonly pty?: boolean; readonly input?: string } = {},
    ): Promise<{ story: string[]; attacker: Attacker }> {
      const attacker = await stage.attack(to);
      try {
        attacker.openSession(2 ** 26);
        await attacker.hears(91);
        if (options.pty === true) attacker.request('pty-req', true, PTY);
        attacker.request(type, true, data);
        await attacker.hears(99, options.pty === true ? 2 : 1);
        const input = message(94, uint32(0), wireString(options.input ?? ''));
        attacker.send(input, message(EOF, uint32(0)));
        await attacker.hears(CLOSE);
        return { story: story(attacker), attacker };
      } finally {
        await attacker[Symbol.asyncDispose]();
      }
    }

    const last = (attacker: Attacker, name: string): number | undefined => {
      const text = attacker.payloads.filter((payload) => payload.toString('latin1').includes(name));
      return text.at(-1)?.readUInt32BE((text.at(-1)?.length ?? 4) - 4);
    };

    test('for a command', async () => {
      const told = await end('alice+real', 'exec', wireString('echo out; exit 7'));
      expect(told.story).toEqual(['output', 'exit-status', 'EOF', 'CLOSE']);
      expect(last(told.attacker, 'exit-status')).toBe(7);
    });

    test('for a command under a terminal', async () => {
      const told = await end('alice+real', 'exec', wireString('echo out; exit 7'), { pty: true });
      expect(told.story).toEqual(['output', 'exit-status', 'EOF', 'CLOSE']);
      expect(last(told.attacker, 'exit-status')).toBe(7);
    });

    test('for a shell under a terminal', async () => {
      const input = 'PS1=; echo out\nexit 7\n';
      const told = await end('alice+real', 'shell', Buffer.alloc(0), { pty: true, input });
      expect(told.story.slice(-4)).toEqual(['output', 'exit-status', 'EOF', 'CLOSE']);
      expect(last(told.attacker, 'exit-status')).toBe(7);
    });

    test.each([
      ['without a terminal', false],
      ['under a terminal', true],
    ])('for a program that a signal ended, %s', async (_what, pty) => {
      const command = wireString('echo out; kill -TERM $$; sleep 10');
      const told = await end('alice+real', 'exec', command, { pty });
      expect(told.story).toEqual(['output', 'exit-signal', 'EOF', 'CLOSE']);
      const said = told.attacker.payloads.some((one) => one.toString('latin1').includes('TERM'));
      expect(said).toBe(true);
    });

    test('for a subsystem', async () => {
      const told = await end('alice+real', 'subsystem', wireString('hello'), { input: 'there' });
      expect(told.story).toEqual(['output', 'exit-status', 'EOF', 'CLOSE']);
      expect(last(told.attacker, 'exit-status')).toBe(3);
    });

    test('for a program that Postern refuses, its line in front', async () => {
      const told = await end('alice+nowhere', 'exec', wireString('true'));
      expect(told.story).toEqual(['stderr', 'exit-status', 'EOF', 'CLOSE']);
      expect(last(told.attacker, 'exit-status')).toBe(255);
    });
  },
);
