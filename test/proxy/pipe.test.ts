import { once } from 'node:events';
import { expect, test } from 'vitest';
import type { DownstreamStreams } from '../../src/proxy/pipe.ts';
import { within } from '../support/eventually.ts';
import { fill, HIGH_WATER, pipeStage, rest } from './pipe-stage.ts';

test('bytes of every value pass unchanged, both ways, and are counted', async () => {
  const { stdin, stdout, stderr, user, pipe } = pipeStage();
  pipe.start();
  const every = Buffer.from(Array.from({ length: 256 }, (_, value) => value));
  stdout.write(every);
  stdout.write(Buffer.from([0xe2, 0x82])); // half a character
  stderr.write(Buffer.from([0xff, 0x00]));
  user.push(every.toReversed());
  await rest();
  expect(user.screen.bytes).toEqual(Buffer.concat([every, Buffer.from([0xe2, 0x82])]));
  expect(user.stderr.bytes).toEqual(Buffer.from([0xff, 0x00]));
  expect(stdin.bytes).toEqual(Buffer.from(every.toReversed()));
  expect(pipe.counts).toEqual({ bytesIn: 256, bytesOut: 260 });
});

test('input for a program that has ended is read and thrown away', async () => {
  const { stdin, user, pipe } = pipeStage();
  pipe.start();
  const failures: unknown[] = [];
  stdin.on('error', (error) => failures.push(error));
  stdin.end();
  user.push('for nobody');
  user.push(null);
  await within('the input is read', once(user, 'end'));
  await rest();
  expect(failures).toEqual([]);
  expect(stdin.bytes).toEqual(Buffer.alloc(0));
});

test('a program that ends while its input is full lets the rest of it be read', async () => {
  const { stdin, user, pipe } = pipeStage({ machineOpen: false });
  pipe.start();
  user.push(Buffer.alloc(2 * HIGH_WATER));
  await rest();
  expect(user.isPaused()).toBe(true);
  stdin.destroy();
  user.push('the rest');
  user.push(null);
  await within('the input is read', once(user, 'end'));
});

test('invariant 2: a chunk is with the recorder before it is with the user', async () => {
  const { stdout, stderr, user, tap, pipe } = pipeStage();
  user.write = ((chunk: Uint8Array) => {
    tap.seen.push(`user out ${Buffer.from(chunk).toString()}`);
    return true;
  }) satisfies DownstreamStreams['write'];
  const write = user.stderr._write.bind(user.stderr);
  user.stderr._write = (chunk: Buffer, encoding: string, done: () => void) => {
    tap.seen.push(`user err ${chunk.toString()}`);
    write(chunk, encoding, done);
  };
  pipe.start();
  stdout.write('a');
  await rest();
  stderr.write('b');
  await rest();
  expect(tap.seen).toEqual(['tap out a', 'user out a', 'tap err b', 'user err b']);
});

test('a recorder that fails while it is given a chunk, and so stops the pipe, keeps it from the user', async () => {
  const { stdout, user, tap, pipe } = pipeStage();
  tap.output = () => {
    pipe.discard();
    return true;
  };
  pipe.start();
  stdout.write('unrecorded');
  await rest();
  expect(user.screen.bytes).toHaveLength(0);
});

test('invariant 3: a slow user stops the machine, and costs bounded memory', async () => {
  const { stdout, user, pipe } = pipeStage({ userOpen: false });
  pipe.start();
  const written = await fill(stdout, Buffer.alloc(16 * 1024, 'x'));
  expect(written).toBeLessThan(8 * HIGH_WATER);
  expect(pipe.counts.bytesOut).toBeLessThanOrEqual(written);
  user.screen.open();
  await rest();
  expect(user.screen.bytes.length).toBe(written);
});

test('invariant 3: a slow machine stops the user, and costs bounded memory', async () => {
  const { stdin, user, pipe } = pipeStage({ machineOpen: false });
  pipe.start();
  let pushed = 0;
  for (let idle = 0; idle < 3; ) {
    pushed += 16 * 1024;
    if (user.push(Buffer.alloc(16 * 1024, 'i'))) continue;
    idle += 1;
    await rest();
  }
  expect(pipe.counts.bytesIn).toBeLessThan(4 * HIGH_WATER);
  stdin.open();
  await rest();
  expect(stdin.bytes.length).toBe(pushed);
});

test('invariant 3: a recorder that has no room stops the machine until it has', async () => {
  const { stdout, user, tap, pipe } = pipeStage();
  tap.full = true;
  pipe.start();
  const written = await fill(stdout, Buffer.alloc(16 * 1024, 'r'));
  // What was recorded was shown; nothing came after it.
  expect(user.screen.bytes.length).toBe(16 * 1024);
  expect(tap.seen).toHaveLength(1);
  tap.drain();
  await rest();
  expect(user.screen.bytes.length).toBe(written);
});

test('a source goes on only when everybody who stopped it has room', async () => {
  const { stdout, user, tap, pipe } = pipeStage({ userOpen: false });
  tap.full = true;
  pipe.start();
  await fill(stdout, Buffer.alloc(HIGH_WATER, 'b'));
  const before = pipe.counts.bytesOut;
  user.screen.open();
  await rest();
  expect(pipe.counts.bytesOut).toBe(before);
  tap.drain();
  await rest();
  expect(pipe.counts.bytesOut).toBeGreaterThan(before);
});

test('a full stderr stops stderr alone', async () => {
  const { stdout, stderr, user, pipe } = pipeStage();
  user.stderr.isOpen = false;
  pipe.start();
  await fill(stderr, Buffer.alloc(16 * 1024, 'e'));
  stdout.write('still here');
  await rest();
  expect(user.screen.bytes.toString()).toBe('still here');
});

test('the end of input is a half-close: output goes on', async () => {
  const { stdin, stdout, user, pipe } = pipeStage();
  pipe.start();
  user.push('last words');
  user.push(null);
  await within('the end of stdin', once(stdin, 'finish'));
  expect(stdin.bytes.toString()).toBe('last words');
  stdout.write('answer');
  await rest();
  expect(user.screen.bytes.toString()).toBe('answer');
});

test('the end of output does not end the user: the exit status comes after it', async () => {
  const { stdout, user, pipe } = pipeStage();
  pipe.start();
  stdout.end('bye');
  await within('the end', once(stdout, 'end'));
  await rest();
  expect([user.screen.bytes.toString(), user.writableEnded]).toEqual(['bye', false]);
});

test('discard: the machine is read to its end though the user takes nothing', async () => {
  const { stdout, stderr, user, tap, pipe } = pipeStage({ userOpen: false });
  pipe.start();
  await fill(stdout, Buffer.alloc(HIGH_WATER, 'd'));
  const shown = user.screen.bytes.length;
  const recorded = tap.seen.length;
  pipe.discard();
  const ends = Promise.all([once(stdout, 'end'), once(stderr, 'end')]);
  stdout.end(Buffer.alloc(HIGH_WATER));
  stderr.end('more');
  await within('both ends', ends);
  expect(tap.seen).toHaveLength(recorded);
  expect(user.screen.bytes.length).toBe(shown);
});

test('discard of stdout alone leaves stderr to the user and to the recorder', async () => {
  const { stdout, stderr, user, tap, pipe } = pipeStage();
  pipe.start();
  pipe.discardOutput();
  stdout.write('unwanted');
  stderr.write('wanted');
  await rest();
  expect(user.screen.bytes).toHaveLength(0);
  expect(user.stderr.bytes.toString()).toBe('wanted');
  expect(tap.seen).toEqual(['tap err wanted']);
});

test('without its tap the pipe goes on', async () => {
  const { stdout, user, tap, pipe } = pipeStage();
  pipe.start();
  pipe.detachTap();
  stdout.write('free');
  await rest();
  expect([user.screen.bytes.toString(), tap.seen]).toEqual(['free', []]);
});

test('the time of the last byte moves with bytes of either way', async () => {
  const { stdout, user, pipe } = pipeStage();
  pipe.start();
  const begun = pipe.lastByteAt;
  await rest();
  expect(pipe.lastByteAt).toBe(begun);
  stdout.write('a');
  await rest();
  const after = pipe.lastByteAt;
  expect(after).toBeGreaterThan(begun);
  user.push('b');
  await rest();
  expect(pipe.lastByteAt).toBeGreaterThan(after);
});
