import { expect, test } from 'vitest';
import { WebEnd } from '../../src/proxy/web/web-end.ts';

const CHUNK = Buffer.alloc(32 * 1024, 'x');

/** Writes as a pipe does, until it is told to wait. */
function fill(end: WebEnd): number {
  let written = 0;
  do written += CHUNK.length;
  while (end.stream.write(CHUNK) && written < 10_000_000);
  return written;
}

test('holds a bound of what nobody takes, and gives out all of it in order', async () => {
  const end = new WebEnd();
  const written = fill(end);
  expect(written).toBeLessThanOrEqual(128 * 1024);
  const drained = new Promise<void>((resolve) => end.stream.once('drain', resolve));
  const taken = await end.output();
  expect(taken).toHaveLength(written);
  await drained;
  end.stream.write(Buffer.from('more'));
  expect(Buffer.from((await end.output()) ?? []).toString()).toBe('more');
});

test('takes a bound of what no program reads, and says when there is no room', async () => {
  const end = new WebEnd();
  let taken = 0;
  let waiting: Promise<boolean> | null = null;
  while (waiting === null && taken < 10_000_000) {
    const room = end.stream.readableLength < 64 * 1024;
    const answer = end.input(CHUNK);
    if (room) {
      expect(await answer).toBe(true);
      taken += CHUNK.length;
    } else waiting = answer;
  }
  expect(taken).toBeLessThanOrEqual(96 * 1024);
  end.stream.resume();
  expect(await waiting).toBe(true);
});

test('says how it ended once all output was taken, notices of Postern included', async () => {
  const end = new WebEnd();
  end.stream.write(Buffer.from('last words'));
  end.stream.stderr.write(Buffer.from(', and a notice'));
  const finished = end.finish({ status: 7 });
  expect(end.ended).toBeNull();
  let text = '';
  while (end.ended === null) text += Buffer.from((await end.output()) ?? []).toString();
  await finished;
  expect([text, end.ended]).toEqual([
    'last words, and a notice',
    { exit: { status: 7 }, refusal: null },
  ]);
});

test('with its user gone it ends at once, and what is typed is dropped', async () => {
  const end = new WebEnd();
  let told = 0;
  end.onGone(() => {
    told += 1;
  });
  fill(end);
  const finished = end.finish({ status: 0 });
  end.gone();
  await finished;
  expect(told).toBe(1);
  expect(await end.input(Buffer.from('late'))).toBe(true);
  expect(end.stream.readableLength).toBe(0);
});
