import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import type { EndPrograms, EnteredContainer } from '../../src/domain/entered-container.ts';
import type { Upstream } from '../../src/domain/upstream.ts';
import { Client } from '../sftp/lab.ts';
import type { TestDocker } from '../support/docker.ts';
import { eventually, within } from '../support/eventually.ts';
import type { Hears } from './container-subject.ts';

/** Bits of SFTP's OPEN: to be written, made and emptied. */
const [READ, NEW] = [0x01, 0x02 | 0x08 | 0x10];

interface Where {
  readonly docker: () => TestDocker;
  /** A session in the container of this name, whose image has no sftp-server. */
  readonly enter: (name: string, hears: Required<Hears>) => Promise<Upstream>;
  readonly end: EndPrograms;
}

/** A container in which nothing else runs. */
const NAME = 'marked';

/** What a container runs by itself (docker.ts). */
const IDLE = /^(?:sh -c trap|sleep 1$)/;

interface Program {
  readonly args: string;
  readonly environ: string;
}

/** Those that it does not. */
async function programsIn(docker: TestDocker): Promise<readonly Program[]> {
  const top = await docker.cli('top', NAME, '-eo', 'pid,args');
  const lines = top.split('\n').slice(1);
  return lines.flatMap((line) => {
    const [, pid = '', args = ''] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
    if (IDLE.test(args)) return [];
    try {
      return [{ args, environ: readFileSync(`/proc/${pid}/environ`, 'latin1') }];
    } catch {
      return [];
    }
  });
}

async function files(upstream: Upstream) {
  const program = { type: 'subsystem', name: 'sftp' } as const;
  const channel = await upstream.open({ program, pty: null, env: [] });
  channel.stderr.resume();
  return { channel, client: new Client(channel) };
}

/** One session in it, and what became of that. */
async function session({ docker, enter }: Where) {
  await docker().run(NAME, { image: 'busybox' });
  const all: { entered?: EnteredContainer; clean?: boolean } = {};
  const upstream = await enter(NAME, {
    onEntered: (entered) => Object.assign(all, { entered }),
    onLeft: (clean) => Object.assign(all, { clean }),
  });
  const entered = (): EnteredContainer => {
    if (all.entered === undefined) throw new Error('nothing was noted');
    return all.entered;
  };
  /** Whether nothing was left; undefined: it has not ended. */
  return { upstream, entered, clean: () => all.clean };
}

/** Whatever a session begins in a container can be found. */
export function marksEverything(where: Where): void {
  const running = () => programsIn(where.docker());
  const noneIsLeft = () => eventually('none is left', async () => (await running()).length === 0);

  test('a command, files and a forward have the mark of their session, and end by it', async () => {
    const { upstream, entered } = await session(where);
    const server = createServer();
    server.listen(0, '127.0.0.1');
    try {
      await once(server, 'listening');
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const program = { type: 'exec', command: 'exec sleep 9980001' } as const;
      const channel = await upstream.open({ program, pty: null, env: [] });
      channel.stdout.resume();
      channel.stderr.resume();
      const { client } = await files(upstream);
      await client.open('/tmp/marked', NEW);
      const to = { type: 'tcp', host: '127.0.0.1', port } as const;
      await upstream.dial(to, { address: '127.0.0.1', port: 1 });

      const programs = await eventually('all run', async () => {
        const all = await running();
        const has = (what: RegExp): boolean => all.some(({ args }) => what.test(args));
        // The session's command, the shell of its files, its open file, its forward.
        const kinds = [/^sleep 9980001/, / files$/, /^cat$/, new RegExp(` ${port}`)];
        return kinds.every(has) ? all : null;
      });
      const mark = `POSTERN_PROGRAM=${entered().mark}`;
      expect(programs.filter(({ environ }) => !environ.includes(mark))).toEqual([]);

      expect(await within('they are told', where.end(entered()))).toBe('ended');
      await noneIsLeft();
      upstream.close();
    } finally {
      server.close();
    }
  });

  /** A session that reads a file to its end and closes it; answers whether nothing was left. */
  async function readsAndLeaves(): Promise<boolean | undefined> {
    const { upstream, clean } = await session(where);
    await where.docker().cli('exec', NAME, 'sh', '-c', 'echo whole > /tmp/whole');
    const { channel, client } = await files(upstream);
    expect(await client.names('/tmp')).toContainEqual(Buffer.from('whole'));
    const handle = await client.open('/tmp/whole', READ);
    expect(await client.read(handle, 0, 100)).toBe('whole\n');
    expect(await client.read(handle, 6, 100)).toBeNull();
    await client.close(handle);
    channel.stdin.end();
    await within('the exit', channel.exited);
    upstream.close();
    await eventually('it has ended', () => clean() !== undefined);
    return clean();
  }

  test('a session that has let go of its files leaves nothing to look for', async () => {
    // What takes longer to end than the session waits is looked for: it may, on a computer that has much else to do.
    await eventually('nothing is left', readsAndLeaves, 40_000);
  });

  test('a session that ends while its files are open leaves none that is not looked for', async () => {
    const { upstream, entered, clean } = await session(where);
    const large = ['dd', 'if=/dev/zero', 'of=/tmp/large', 'bs=1M', 'count=64'];
    await where.docker().cli('exec', NAME, ...large);
    const { client } = await files(upstream);
    const handle = await client.open('/tmp/large', READ);
    expect((await client.read(handle, 0, 10))?.length).toBe(10);
    upstream.close();
    await eventually('it has ended', () => clean() !== undefined);
    if (clean() === false) await within('it looks', where.end(entered()));
    await noneIsLeft();
  });
}
