import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { startOnTerminal } from '../../src/demo/pty-program.ts';
import { eventually, within } from '../support/eventually.ts';
import { scratch } from '../support/scratch.ts';

const LINES = 21_500;

test('what a program wrote last is kept for a reader that comes long after its end', async () => {
  using home = scratch();
  const launch = {
    command: `seq 1 ${LINES}; exit 5`,
    shell: '/bin/sh',
    home: home.path,
    env: { PATH: '/usr/bin:/bin' },
  };
  const program = startOnTerminal(launch, { term: 'dumb', cols: 80, rows: 24 });
  const expected = Array.from({ length: LINES }, (_, at) => `${at + 1}\r\n`).join('');
  // More than its buffer holds, less than that and the kernel's: the program ends, unread.
  await eventually('all of it has been taken from the terminal', () => {
    const { stdout } = program;
    const waiting = 'writableLength' in stdout ? Number(stdout.writableLength) : 0;
    // The chunk between the two sides is counted on both.
    return stdout.readableLength + waiting > expected.length;
  });
  expect(await within('the output', text(program.stdout))).toBe(expected);
  expect(await within('the end', program.exited)).toEqual({ status: 5 });
});
