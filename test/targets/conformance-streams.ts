import { createHash, randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import type { Upstream, UpstreamChannel } from '../../src/domain/upstream.ts';
import { within } from '../support/eventually.ts';

const MB = 1024 * 1024;

/** What 100 MB each way may take on a computer that has much else to do, in milliseconds. */
const LONG_MS = 120_000;

/** The most that may be on its way to a reader who does not read: windows, pipes and sockets, in MB. */
const MOST_WAITING = 24;

type WithMachine = (use: (upstream: Upstream) => Promise<void>) => Promise<void>;

const begin = (upstream: Upstream, command: string): Promise<UpstreamChannel> =>
  upstream.open({ program: { type: 'exec', command }, pty: null, env: [] });

/** So many pieces of a megabyte, each with every byte in it and none like another; answers their hash. */
async function send(to: NodeJS.WritableStream, pieces: number): Promise<string> {
  const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const hash = createHash('sha256');
  for (let piece = 0; piece < pieces; piece += 1) {
    const bytes = Buffer.concat([every, randomBytes(MB - every.length)]);
    hash.update(bytes);
    if (!to.write(bytes)) await new Promise((resolve) => to.once('drain', resolve));
  }
  to.end();
  return hash.digest('hex');
}

/** How a machine of every kind carries bytes. */
export function carries(withMachine: WithMachine): void {
  test(
    'every byte goes both ways, 100 MB of them',
    () =>
      withMachine(async (upstream) => {
        const channel = await begin(upstream, 'cat');
        const hash = createHash('sha256');
        channel.stdout.on('data', (chunk: Buffer) => hash.update(chunk));
        channel.stderr.resume();
        const sent = await within('all is sent', send(channel.stdin, 100), LONG_MS);
        expect(await within('the exit', channel.exited, LONG_MS)).toEqual({
          type: 'code',
          code: 0,
        });
        expect(hash.digest('hex')).toBe(sent);
      }),
    2 * LONG_MS,
  );

  test('a program waits for a reader who does not read, and nothing is lost', () =>
    withMachine(async (upstream) => {
      const file = `/tmp/written-${randomBytes(6).toString('hex')}`;
      const some = `echo $n > ${file}; head -c ${MB} /dev/zero; n=$((n + 1))`;
      const channel = await begin(
        upstream,
        `n=0; while [ $n -lt 60 ]; do ${some}; done; rm ${file}; exit 6`,
      );
      channel.stdin.end();
      channel.stderr.resume();
      await within('output waits', new Promise((wake) => channel.stdout.once('readable', wake)));
      const stuck = `while a=$(cat ${file}); sleep 1; [ "$a" != "$(cat ${file})" ]; do :; done`;
      const looking = await begin(upstream, `${stuck}; echo $a`);
      looking.stderr.resume();
      looking.stdin.end();
      expect(Number(await within('it waits, too', text(looking.stdout)))).toBeLessThan(
        MOST_WAITING,
      );
      let bytes = 0;
      channel.stdout.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      channel.stdout.resume();
      expect(await within('the exit', channel.exited)).toEqual({ type: 'code', code: 6 });
      expect(bytes).toBe(60 * MB);
    }));
}
