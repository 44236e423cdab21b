import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Program, Pty } from '../../src/domain/terminal.ts';
import type { Upstream, UpstreamChannel } from '../../src/domain/upstream.ts';
import { eventually, within } from '../support/eventually.ts';
import { carries } from './conformance-streams.ts';

/** A machine of some kind, as the suite uses it. */
export interface Subject {
  connect(): Promise<Upstream>;
  /** Whether a process with this in its command line runs on it. */
  runs(word: string): Promise<boolean>;
}

/** What one kind does in its own way. */
export interface Manners {
  /** How a program ends that a signal ended: as a signal, or as the status that a shell gives it. */
  readonly killed: (signal: string, number: number) => unknown;
  /** False: it does not pass signals on (OpenSSH's server: not to programs of root). */
  readonly signals: boolean;
}

const WINDOW = { cols: 80, rows: 24, width: 0, height: 0 };
const PTY: Pty = { term: 'xterm-256color', window: WINDOW, modes: new Uint8Array([0]) };

/** What a program has written so far. */
interface Heard {
  readonly out: Buffer[];
  readonly err: Buffer[];
}

function hear(channel: UpstreamChannel): Heard {
  const heard: Heard = { out: [], err: [] };
  channel.stdout.on('data', (chunk: Buffer) => heard.out.push(chunk));
  channel.stderr.on('data', (chunk: Buffer) => heard.err.push(chunk));
  return heard;
}

const textOf = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString();
const exec = (command: string): Program => ({ type: 'exec', command });
const code = (status: number) => ({ type: 'code', code: status });

/** A word that no other process has in its command line. */
const word = (): string => `99${randomBytes(3).readUIntBE(0, 3)}`;

/**
 * What a machine of every kind does: one list, so that a container behaves under ssh as an OpenSSH
 * server does.
 */
export function conforms(subject: () => Subject, manners: Manners): void {
  async function withMachine<T>(use: (upstream: Upstream) => Promise<T>): Promise<T> {
    const upstream = await subject().connect();
    try {
      return await use(upstream);
    } finally {
      upstream.close();
      await within('the end of the connection', upstream.closed);
    }
  }

  const begin = (upstream: Upstream, program: Program, pty: Pty | null = null) =>
    upstream.open({ program, pty, env: [] });

  async function run(upstream: Upstream, command: string, input?: string | Buffer) {
    const channel = await begin(upstream, exec(command));
    const heard = hear(channel);
    channel.stdin.end(input ?? '');
    const exit = await within('the exit', channel.exited);
    return { out: textOf(heard.out), err: textOf(heard.err), exit };
  }

  test('a command has its outputs apart, and its status', () =>
    withMachine(async (upstream) => {
      expect(await run(upstream, 'echo out; echo err >&2; exit 7')).toEqual({
        ...{ out: 'out\n', err: 'err\n', exit: code(7) },
      });
      expect((await run(upstream, '/no/such/program')).exit).toEqual(code(127));
    }));

  test("a command is a shell's, with quotes and all", () =>
    withMachine(async (upstream) => {
      const done = await run(upstream, `a='b  c'; printf '%s|%s' "$a" '$a'; echo "$((1 + 2))"`);
      expect(done.out).toBe('b  c|$a3\n');
      const piped = await run(upstream, 'cat | tr a-z A-Z | (cat; echo 2 >&2) 2>&1', 'abc');
      expect(piped).toEqual({ out: 'ABC2\n', err: '', exit: code(0) });
    }));

  test('a command that is no UTF-8 comes as it is', () =>
    withMachine(async (upstream) => {
      const bytes = Buffer.concat([
        Buffer.from("printf %s 'a\\"),
        Buffer.from([0xe4, 0x25, 0xff]),
        Buffer.from("b$x'"),
      ]);
      const program = { ...exec(bytes.toString()), type: 'exec' as const, bytes };
      const channel = await begin(upstream, { ...program, command: bytes.toString() });
      const heard = hear(channel);
      channel.stdin.end();
      expect(await within('the exit', channel.exited)).toEqual(code(0));
      expect(Buffer.concat(heard.out).toString('latin1')).toBe('a\\\u00e4%\u00ffb$x');
    }));

  test('early input is not lost, its end is a half-close, and output goes on', () =>
    withMachine(async (upstream) => {
      const done = await run(upstream, 'sleep 0.2; cat; echo done; exit 5', 'all of it\n');
      expect(done).toEqual({ out: 'all of it\ndone\n', err: '', exit: code(5) });
    }));

  test('input for a program that has ended is for nobody, and its end is told', () =>
    withMachine(async (upstream) => {
      const channel = await begin(upstream, exec('echo out; exit 3'));
      const heard = hear(channel);
      channel.stdout.once('end', () => channel.stdin.write('late\n'));
      channel.stderr.once('end', () => channel.stdin.write('late\n'));
      expect(await within('the exit', channel.exited)).toEqual(code(3));
      expect(textOf(heard.out)).toBe('out\n');
      channel.stdin.write('later\n');
      channel.stdin.end();
    }));

  test('a shell without a terminal reads its commands from its input', () =>
    withMachine(async (upstream) => {
      const channel = await begin(upstream, { type: 'shell' });
      const heard = hear(channel);
      channel.stdin.end('echo $((20 + 22)); exit 3\n');
      expect(await within('the exit', channel.exited)).toEqual(code(3));
      expect(textOf(heard.out)).toBe('42\n');
    }));

  test('a shell with a terminal has it, of its type and size, and hears of new ones', () =>
    withMachine(async (upstream) => {
      const channel = await begin(upstream, { type: 'shell' }, PTY);
      const { out } = hear(channel);
      const shows = (text: string) => eventually(text, () => textOf(out).includes(text));
      channel.stdin.write('tty >/dev/null && echo "term=$TERM"\n');
      await shows('term=xterm-256color');
      channel.stdin.write(
        'until [ "$(stty size)" = "24 80" ]; do sleep 0.1; done; echo its\\ size\n',
      );
      await shows('its size');
      channel.resize({ ...WINDOW, cols: 111, rows: 33 });
      channel.stdin.write(
        'until [ "$(stty size)" = "33 111" ]; do sleep 0.1; done; echo big\\ enough\n',
      );
      await shows('big enough');
      channel.stdin.write('exit 4\n');
      expect(await within('the exit', channel.exited)).toEqual(code(4));
    }));

  test('a terminal turns ^C into an interrupt', () =>
    withMachine(async (upstream) => {
      const channel = await begin(upstream, exec("trap 'exit 9' INT; echo ready; cat"), PTY);
      const { out } = hear(channel);
      await eventually('it is ready', () => textOf(out).includes('ready'));
      // A shell that is about to begin a program may lose one, as at any terminal.
      const typing = setInterval(() => channel.stdin.write('\x03'), 500);
      try {
        expect(await within('the exit', channel.exited)).toEqual(code(9));
      } finally {
        clearInterval(typing);
      }
    }));

  test('the variables that a machine takes come, others do not', () =>
    withMachine(async (upstream) => {
      const channel = await upstream.open({
        program: exec('echo "$LC_TEST,$LD_TEST"'),
        pty: null,
        env: [
          ['LC_TEST', 'gr\u00fc\u00df'],
          ['LD_TEST', 'no'],
        ],
      });
      const { out } = hear(channel);
      channel.stdin.end();
      await within('the exit', channel.exited);
      expect(textOf(out)).toBe('gr\u00fc\u00df,\n');
    }));

  carries(withMachine);

  test('the status comes after the last output, also of a program that closed it', () =>
    withMachine(async (upstream) => {
      const done = await run(upstream, 'echo first; exec >/dev/null 2>&1; sleep 1; exit 8');
      expect(done).toEqual({ out: 'first\n', err: '', exit: code(8) });
    }));

  if (manners.signals) {
    test('a signal reaches the program', () =>
      withMachine(async (upstream) => {
        const channel = await begin(
          upstream,
          exec("trap 'echo caught; exit 11' TERM; echo ready; while :; do sleep 0.1; done"),
        );
        const { out } = hear(channel);
        await eventually('it is ready', () => textOf(out).includes('ready'));
        channel.signal('TERM');
        expect(await within('the exit', channel.exited)).toEqual(code(11));
        expect(textOf(out)).toContain('caught');
      }));

    test('a signal may end the program', () =>
      withMachine(async (upstream) => {
        const channel = await begin(upstream, exec('echo ready; exec sleep 1000'));
        const { out } = hear(channel);
        await eventually('it is ready', () => textOf(out).includes('ready'));
        channel.signal('KILL');
        const exit = await within('the exit', channel.exited);
        expect(exit).toMatchObject(manners.killed('KILL', 9) as object);
      }));
  }

  test('a program whose reader has gone ends with its next output', () =>
    withMachine(async (upstream) => {
      const mark = word();
      const channel = await begin(upstream, exec(`exec yes ${mark}`));
      await within('output', new Promise((wake) => channel.stdout.once('data', wake)));
      channel.stdout.resume();
      channel.stderr.resume();
      channel.endOfWrite();
      expect(await within('the exit', channel.exited)).not.toEqual(code(0));
      await eventually('it is gone', async () => !(await subject().runs(mark)));
    }));

  test('when the user leaves, what runs under the terminal ends', () =>
    withMachine(async (upstream) => {
      const [front, back] = [word(), word()];
      const channel = await begin(upstream, { type: 'shell' }, PTY);
      hear(channel);
      channel.stdin.write(`sleep ${back} & sleep ${front}\n`);
      await eventually(
        'both run',
        async () => (await subject().runs(front)) && (await subject().runs(back)),
      );
      channel.close();
      await within('the channel ends', channel.exited);
      await eventually(
        'both are gone',
        async () => !(await subject().runs(front)) && !(await subject().runs(back)),
      );
    }));

  test('when the connection ends, so does what runs under its terminals', () =>
    withMachine(async (upstream) => {
      const mark = word();
      const channel = await begin(upstream, exec(`sleep ${mark}`), PTY);
      hear(channel);
      await eventually('it runs', () => subject().runs(mark));
      upstream.close();
      await within('the channel ends', channel.exited);
      await eventually('it is gone', async () => !(await subject().runs(mark)));
    }));

  test('a program that is closed before anybody reads of it ends', () =>
    withMachine(async (upstream) => {
      for (const pty of [null, PTY]) {
        const channel = await begin(upstream, exec('echo unread; exec sleep 30'), pty);
        channel.close();
        expect(await within('the channel ends', channel.exited)).not.toEqual(code(0));
      }
    }));

  test('twenty programs at once do not mix', () =>
    withMachine(async (upstream) => {
      const all = await Promise.all(
        Array.from({ length: 20 }, (_, at) =>
          run(upstream, `cat; echo ${at}; exit ${at}`, `${at} `),
        ),
      );
      all.forEach((done, at) => {
        expect(done).toEqual({ out: `${at} ${at}\n`, err: '', exit: code(at) });
      });
    }));

  test('a subsystem that is not there is refused, and the next program runs', () =>
    withMachine(async (upstream) => {
      const strange = begin(upstream, { type: 'subsystem', name: 'no-such-thing' });
      await expect(strange).rejects.toMatchObject({ code: 'machine.refused' });
      expect((await run(upstream, 'exit 2')).exit).toEqual(code(2));
    }));
}
