import { expect, test } from 'vitest';
import type { CastEvent, LogEntry } from '../../src/domain/recording.ts';
import { EscapeStripper } from '../../src/recorder/escapes.ts';
import { openLibrary } from '../../src/recorder/library.ts';
import { logEntries } from '../../src/recorder/text.ts';
import { lab, randomNumbers, start } from './lab.ts';

async function* played(events: readonly CastEvent[]): AsyncGenerator<CastEvent> {
  yield* events;
}

/** As stdout has them. */
async function entries(events: readonly Omit<CastEvent, 'isError'>[]): Promise<LogEntry[]> {
  const list: LogEntry[] = [];
  const stdout = events.map((event) => ({ ...event, isError: false }));
  for await (const entry of logEntries(played(stdout))) list.push(entry);
  return list;
}

async function lines(...chunks: readonly string[]): Promise<string[]> {
  const list = await entries(chunks.map((data) => ({ at: 0, code: 'o', data })));
  return list.map(({ text }) => text);
}

test.each([
  ['colours', 'a \x1b[1;31mred\x1b[0m b', ['a red b']],
  ['a title (OSC, BEL)', '\x1b]0;the title\x07prompt', ['prompt']],
  ['a link (OSC, ST)', '\x1b]8;;http://x\x1b\\text\x1b]8;;\x1b\\', ['text']],
  ['a picture (DCS)', 'a\x1bPq#0;2;0;0;0~-\x1b\\b', ['ab']],
  ['eight-bit controls', 'a\u009b31mb\u009d0;t\u009cc', ['abc']],
  ['charset designation', '\x1b(0qqq\x1b(B', ['qqq']],
  ['private modes', '\x1b[?2004h$ \x1b[?25l', ['$']],
  ['a sequence that CAN ends', '\x1b[12\x18x', ['x']],
  ['a sequence that another one ends', '\x1b[1\x1b[2mx', ['x']],
  ['a bell and a NUL', 'a\x07\0b', ['ab']],
  ['backspace over a typing error', 'sl\b\bls -l', ['ls -l']],
  ['a progress bar', '10%\r50%\r100%\ndone', ['100%', 'done']],
  ['a line erased and written anew', 'long text here\r\x1b[Kshort', ['short']],
  ['cursor left and right', 'abc\x1b[2DX\x1b[CY', ['aXcY']],
  ['cursor addressing', '\x1b[2J\x1b[1;1Hone\x1b[5;1Htwo', ['one', 'two']],
  ['a window title that never ends', `\x1b]0;${'x'.repeat(2000)}`, []],
  ['CJK and emoji', '目录 👍🏽\r\n', ['目录 👍🏽']],
  ['blank lines', 'a\r\n\r\n  \r\nb', ['a', 'b']],
])('%s', async (_name, text, expected) => {
  expect(await lines(text)).toEqual(expected);
  // The same, cut after every character.
  expect(await lines(...text)).toEqual(expected);
});

test('no control character is left, whatever comes', () => {
  const random = randomNumbers(5);
  const alphabet = '\x1b\x1b[]P\\;0m1\x07\x18\x9b\x9c\x90\r\n\bKHa中\u0085\x7f';
  for (let round = 0; round < 300; round += 1) {
    const stripper = new EscapeStripper();
    const text = Array.from({ length: 80 }, () => alphabet[random(alphabet.length)] ?? '').join('');
    const printed = [...stripper.write(text)].filter((piece) => typeof piece === 'string').join('');
    expect(printed).not.toMatch(/[\p{Cc}]/u);
  }
});

test('entries have the time of their first character, and a pause ends one', async () => {
  const events = [
    { at: 1, code: 'o', data: 'half ' },
    { at: 1.2, code: 'o', data: 'line\r\n$ ' },
    { at: 5, code: 'o', data: 'ls\r\n' },
    { at: 5.1, code: 'r', data: '80x24' },
  ];
  expect(await entries(events)).toEqual([
    { at: 1, type: 'output', text: 'half line' },
    { at: 1.2, type: 'output', text: '$' },
    { at: 5, type: 'output', text: 'ls' },
  ]);
});

test('a line without an end comes in entries of bounded length', async () => {
  const list = await lines('x'.repeat(10_000));
  expect(list.map(({ length }) => length)).toEqual([4096, 4096, 1808]);
});

test('a huge number in a sequence makes nothing huge', async () => {
  expect(await lines('a\x1b[99999999999Cb\x1b[99999999999999999999Dc')).toEqual(['cb']);
});

test('a string that nobody ends hides a mebibyte at most', async () => {
  const list = await lines('\x1b]0;', 'x'.repeat(1024 * 1024), 'y\r\nseen\r\n');
  expect(list).toContain('seen');
});

test('stdout and stderr of a recording are told apart', async () => {
  await using at = await lab();
  const recording = await at.recorder.start(start({ pty: null }));
  recording.output(Buffer.from('out '));
  recording.error(Buffer.from('err 1\n'));
  recording.output(Buffer.from('put\n'));
  await recording.end({ type: 'code', code: 0 });
  const list: (readonly [string, string])[] = [];
  for await (const { type, text } of openLibrary(at.root).logs(recording.key)) {
    list.push([type, text]);
  }
  expect(list).toEqual([
    ['error', 'err 1'],
    ['output', 'out put'],
  ]);
});

test('erasing what is not there costs nothing, and what is erased is not counted', async () => {
  const idle = `${'a'.repeat(4000)}${'\x1b[K'.repeat(200_000)}`;
  expect((await lines(`${idle}b\n`)).map(({ length }) => length)).toEqual([4001]);
  const again = 'b'.repeat(2000).concat('\r\x1b[K').repeat(3);
  expect(await lines(`${again}c\n`)).toEqual(['c']);
});
