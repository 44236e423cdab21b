import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Typed, TypedLines } from '../../src/recorder/typed-lines.ts';
import { eventually } from '../support/eventually.ts';
import { lab, start } from './lab.ts';

type Step = readonly ['in', string] | readonly ['out', string] | readonly ['size', number, number];

/** What is kept of it, and how many characters are not. */
function kept(steps: readonly Step[]): { text: string; withheld: number } {
  const lines = new TypedLines(40, 10);
  const all: Typed[] = [];
  for (const step of steps) {
    if (step[0] === 'in') all.push(...lines.typed(step[1]));
    else if (step[0] === 'out') all.push(...lines.output(step[1]));
    else if (step[0] === 'size') lines.resize(step[1], step[2]);
  }
  all.push(...lines.end());
  return {
    text: all.map((one) => (one.type === 'text' ? one.text : '')).join(''),
    withheld: all.reduce((sum, one) => sum + (one.type === 'withheld' ? one.count : 0), 0),
  };
}

/** Key by key, each with its echo. */
function echoed(text: string): Step[] {
  return [...text].flatMap((key) => [['in', key] as const, ['out', key] as const]);
}

const ENTER: readonly Step[] = [
  ['in', '\r'],
  ['out', '\r\n'],
];

test('a line that was echoed is kept, with its Enter', () => {
  const steps: Step[] = [['out', '$ '], ...echoed('ls -la 漢'), ...ENTER, ['out', 'file\r\n$ ']];
  expect(kept(steps)).toEqual({ text: 'ls -la 漢\r', withheld: 0 });
});

test('a line longer than the screen is wide', () => {
  const long = 'x'.repeat(100);
  expect(kept([['out', '$ '], ...echoed(long), ...ENTER])).toEqual({
    text: `${long}\r`,
    withheld: 0,
  });
});

test('what is pasted, and echoed afterwards', () => {
  const steps: Step[] = [
    ['out', '$ '],
    ['in', 'make test\r'],
    ['out', 'make test\r\nok\r\n'],
  ];
  expect(kept(steps)).toEqual({ text: 'make test\r', withheld: 0 });
});

test('a mistake that was taken back, and keys that only move', () => {
  const steps: Step[] = [
    ['out', '$ '],
    ...echoed('lx'),
    ['in', '\u007f'],
    ['out', '\b \b'],
    ...echoed('s'),
    ['in', '\u001b[D'],
    ['out', '\b'],
    ['in', '\u001b[C'],
    ['out', '\u001b[C'],
    ...ENTER,
  ];
  expect(kept(steps)).toEqual({ text: 'lx\u007fs\u001b[D\u001b[C\r', withheld: 0 });
});

test.each<[string, readonly Step[], number]>([
  ['a password that is not echoed', [['out', 'Password: '], ['in', 'hunter2'], ...ENTER], 8],
  [
    'the same key by key, with a mistake',
    [['out', 'Password: '], ['in', 'h'], ['in', 'x'], ['in', '\u007f'], ['in', 'unter2'], ...ENTER],
    10,
  ],
  [
    'one without a prompt',
    [
      ['in', 'hunter2\r'],
      ['out', '\r\nwelcome\r\n'],
    ],
    8,
  ],
  [
    'one of which nothing is echoed, not even Enter',
    [
      ['out', 'p? '],
      ['in', 'hunter2\r'],
      ['out', 'thanks\r\n'],
    ],
    8,
  ],
  [
    'one that is echoed as asterisks',
    [['out', 'x '], ['in', 'a'], ['out', '*'], ['in', 'b'], ['out', '*'], ...ENTER],
    3,
  ],
  [
    'one that is echoed, because the prompt asked for it',
    [['out', 'New password: '], ...echoed('hunter2'), ...ENTER],
    8,
  ],
  [
    'one whose letters other output has',
    [['out', 'Password '], ['in', 'abc'], ['out', '\r\nabc abc\r\n'], ...ENTER],
    4,
  ],
  [
    'one that a program prints elsewhere',
    [['out', 'k '], ['in', 'q'], ['out', '\u001b[5;1Hq'], ...ENTER],
    2,
  ],
  [
    'what was typed ahead',
    [
      ['out', '$ '],
      ['in', 'a\rb\r'],
      ['out', 'a\r\n$ b\r\n'],
    ],
    2,
  ],
  [
    'what was typed while the screen changed',
    [['out', '$ '], ['in', 'a'], ['size', 80, 24], ['out', 'a'], ...ENTER],
    2,
  ],
  [
    'what is typed on a terminal that is too large',
    [['size', 5000, 5000], ...echoed('abc'), ...ENTER],
    4,
  ],
  [
    'what was never answered',
    [
      ['out', '$ '],
      ['in', 'abc'],
    ],
    3,
  ],
])('%s is withheld', (_, steps, count) => {
  const { text, withheld } = kept(steps);
  expect(text.replaceAll(/[\r]/g, '').replace(/^a$/, '')).toBe('');
  expect(withheld).toBe(count);
});

test('nothing typed under a prompt without an echo is ever kept, whatever way it comes', () => {
  const secret = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 });
  const cuts = fc.array(fc.integer({ min: 1, max: 5 }));
  fc.assert(
    fc.property(
      secret,
      cuts,
      fc.constantFrom('\r\n', '\n', '\r\nSorry, try again.\r\n'),
      (text, lengths, after) => {
        const steps: Step[] = [['out', '[sudo] password for alice: ']];
        let at = 0;
        for (const length of [...lengths, text.length]) {
          if (at < text.length) steps.push(['in', text.slice(at, at + length)]);
          at += length;
        }
        expect(kept([...steps, ['in', '\r'], ['out', after]]).text).toBe('');
      },
    ),
  );
});

test('what is typed stands in the recording before its echo is over; passwords are counted', async () => {
  await using at = await lab();
  const recording = await at.recorder.start(start({ input: true }));
  expect(recording.takesInput).toBe(true);
  const send = (text: string) => recording.input(Buffer.from(text));
  const show = (text: string) => recording.output(Buffer.from(text));
  show('$ ');
  for (const key of 'id') {
    send(key);
    show(key);
  }
  send('\r');
  show('\r\nPassword: ');
  send('hunter2\r');
  show('\r\n$ ');
  const receipt = await recording.end({ type: 'code', code: 0 });
  const { events } = await eventually('it is there', () => at.cast(recording));
  expect(events.filter(({ code }) => code !== 'o').map(({ code, data }) => [code, data])).toEqual([
    ['i', 'id\r'],
    ['m', 'postern: 8 typed characters are not recorded'],
    ['x', '0'],
  ]);
  expect(events.findIndex(({ code }) => code === 'i')).toBe(3);
  // What is typed is no output.
  expect(receipt.recordedBytes).toBe('$ id\r\nPassword: \r\n$ '.length);
  expect(at.bytes(recording).toString()).not.toContain('hunter2');
});

test('without the policy, and without a terminal, nothing typed is taken', async () => {
  await using at = await lab();
  for (const options of [{}, { input: true, pty: null, command: 'cat' }]) {
    const recording = await at.recorder.start(
      start({ ...options, channel: options.input ? 2 : 1 }),
    );
    expect(recording.takesInput).toBe(false);
    expect(recording.input(Buffer.from('abc\r'))).toBe(true);
    recording.output(Buffer.from('abc\r\n'));
    await recording.end(null);
    expect(at.cast(recording).events.map(({ code }) => code)).toEqual(['o']);
  }
});
