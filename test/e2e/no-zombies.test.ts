import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { environment } from '../support/environment.ts';
import { eventually, within } from '../support/eventually.ts';
import { JumpClient } from '../support/jump-client.ts';
import { needs } from '../support/requirements.ts';
import { openStage, type Stage } from '../support/stage.ts';

/** How many programs are run, how many at once, and from which seed their lives are drawn. */
const PROGRAMS = Number(environment.get('POSTERN_TEST_PROGRAMS') ?? 60);
const AT_ONCE = 6;
const SEED = Number(environment.get('POSTERN_TEST_SEED') ?? 20_261);

/** Numerical Recipes' linear congruence: the same lives for the same seed. */
function drawer(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const COMMANDS = [
  'exit 7',
  'cat',
  'cat >/dev/null',
  'head -c 10',
  'echo out; echo err >&2',
  'yes | head -c 3000000',
  'head -c 3000000 /dev/zero >&2',
  'exec <&-; sleep 0.1; echo late',
  'exec >&-; sleep 0.1',
  'exec >&- 2>&- <&-; sleep 0.1',
  'kill -9 $$',
  'sleep 0.2 & echo left',
  'sleep 0.3',
  'read line; echo "$line"',
] as const;

type Manner =
  | 'waits'
  | 'closes at once'
  | 'writes much'
  | 'leaves input open'
  | 'is killed'
  | 'reads a little';
const MANNERS: readonly Manner[] = [
  'waits',
  'closes at once',
  'writes much',
  'leaves input open',
  'is killed',
  'reads a little',
];

/** Its input and output; what it says of errors is nobody's. */
function treat(ssh: ChildProcess, manner: Manner): void {
  ssh.stdin?.on('error', () => undefined);
  ssh.stderr?.resume();
  if (manner === 'reads a little') ssh.stdout?.once('data', () => ssh.stdout?.destroy());
  else ssh.stdout?.resume();
  if (manner === 'closes at once' || manner === 'reads a little') ssh.stdin?.end();
  else if (manner === 'writes much') ssh.stdin?.end(Buffer.alloc(2_000_000, 'line\n'));
  else if (manner === 'waits') ssh.stdin?.end('one line\n\x04');
  else ssh.stdin?.write('one line\n');
}

/** Logged in to the bastion, through it with `-J`, or over a connection that others use, too. */
const WAYS = ['plain', 'jump', 'shared'] as const;
type Way = (typeof WAYS)[number];

interface Life {
  readonly command: string;
  readonly manner: Manner;
  readonly terminal: boolean;
  readonly way: Way;
  /** Milliseconds until its user ends it, where they do. */
  readonly delay: number;
}

function drawLife(draw: (below: number) => number): Life {
  return {
    command: COMMANDS[draw(COMMANDS.length)] ?? 'true',
    manner: MANNERS[draw(MANNERS.length)] ?? 'waits',
    terminal: draw(4) === 0,
    way: WAYS[draw(WAYS.length)] ?? 'plain',
    delay: 100 + draw(900),
  };
}

needs('ssh', 'sshd').describe('sessions', () => {
  let stage: Stage;
  let jumping: JumpClient;
  let shared: string[];
  beforeAll(async () => {
    stage = await openStage();
    const known = await stage.bastion.cli('machine', 'known-hosts');
    jumping = new JumpClient(stage.alice, stage.bastion.ssh, known.stdout.toString());
    shared = ['-S', stage.alice.path('mux')];
    const master = await stage.alice.ssh('alice+web1', null, {
      more: ['-M', '-N', '-f', ...shared],
    });
    expect(master).toMatchObject({ status: 0 });
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  /** One program and one way of treating it; settles when ssh has ended. */
  async function live({ command, manner, terminal, way, delay }: Life): Promise<void> {
    const more = terminal ? ['-tt'] : [];
    const what = `${way} ${more.join(' ')} ${command}: ${manner}`;
    const ssh =
      way === 'jump'
        ? jumping.spawn('alice', ...more, `${stage.sshd.login}@web1`, command)
        : stage.alice.spawn('alice+web1', command, way === 'shared' ? [...more, ...shared] : more);
    const ended = new Promise((resolve) => ssh.once('close', resolve));
    treat(ssh, manner);
    // Who waits for input that never ends is ended by its user; a terminal has no end of file of its own.
    const kills = manner === 'is killed' || manner === 'leaves input open' || terminal;
    const signal = manner === 'is killed' ? 'SIGKILL' : 'SIGTERM';
    const timer = kills ? setTimeout(() => ssh.kill(signal), delay) : undefined;
    try {
      await within(what, ended, 30_000);
    } finally {
      clearTimeout(timer);
      ssh.kill('SIGKILL');
    }
  }

  test('none outlives its program or its user, whatever these do', {
    timeout: 900_000,
  }, async () => {
    const draw = drawer(SEED);
    const failures: string[] = [];
    const lives = Array.from({ length: PROGRAMS }, () => drawLife(draw));
    const lane = async (): Promise<void> => {
      for (let next = lives.pop(); next !== undefined; next = lives.pop()) {
        await live(next).catch((error: unknown) => failures.push(String(error)));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    expect(failures).toEqual([]);
    await stage.alice.ssh('alice+web1', null, { more: ['-O', 'exit', ...shared] });
    await eventually('all sessions have ended', async () => {
      return (await stage.bastion.sessions('status=active')).length === 0;
    });
  });
});
