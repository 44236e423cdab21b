import serializing from '@xterm/addon-serialize';
import xterm from '@xterm/headless';
import { describe, expect, test } from 'vitest';
import { Screen } from '../../src/live/screen.ts';

const SIZE = { cols: 20, rows: 6 };

/** What each terminal is given, and what after it shows whether they were equal. */
const STATES: Readonly<Record<string, readonly [before: string, after?: string]>> = {
  text: ['hello\r\nworld'],
  colours: ['\u001b[1;31mred\u001b[0m \u001b[38;2;1;2;3;48;5;9mx', 'more'],
  wide: ['漢字 cafe\u0301 🚪', 'x'],
  'a scroll region': ['\u001b[2;4r\u001b[3;1Ha\r\nb\r\nc\r\nd', '\r\ne\r\nf'],
  'a saved cursor': ['ab\u001b7\u001b[5;5Hcd', '\u001b8X'],
  'a hidden cursor': ['\u001b[?25lx', 'y'],
  'line drawing': ['\u001b(0lqqk', 'x\u001b(Bx'],
  'the second character set': ['\u001b)0\u000elqk', 'x\u000fx'],
  'tab stops': ['\u001b[3g\u001b[1;5H\u001bH\r', '\tX\tY'],
  'origin mode': ['\u001b[2;5r\u001b[?6h\u001b[2;3Hx', '\u001b[1;1HY'],
  'the last column': ['12345678901234567890', 'X'],
  'the last column, in colour': ['\u001b[32m1234567890123456789\u001b[7m0\u001b[0;34m', 'X'],
  'the last column, wide': ['123456789012345678漢', 'X'],
  'the other screen': ['normal\u001b[?1049h\u001b[2;2Hother', '!\u001b[?1049lback'],
  'half a CSI': ['text\u001b[3', '1mred'],
  'half an OSC': ['text\u001b]0;a ti', 'tle\u0007more'],
  'an OSC in three': ['text\u001b]0;a', 'b\u0007c'],
  'half an escape': ['text\u001b', '[31mred'],
  'insert mode': ['abc\u001b[4h\r', 'X'],
  'no wrapping': ['\u001b[?7l1234567890123456789', '01234'],
  'what scrolled away': [
    Array.from({ length: 30 }, (_, line) => `line ${line}`).join('\r\n'),
    '\r\nx',
  ],
};

/** Everything that can be seen of a terminal, and its cursor. */
async function looks(writes: readonly string[], { cols, rows } = SIZE): Promise<string> {
  const terminal = new xterm.Terminal({ cols, rows, scrollback: 0, allowProposedApi: true });
  const serializer = new serializing.SerializeAddon();
  terminal.loadAddon(serializer);
  for (const text of writes) await new Promise<void>((done) => terminal.write(text, done));
  const { cursorX, cursorY, type } = terminal.buffer.active;
  const seen = `${serializer.serialize({ scrollback: 0 })} ${cursorX},${cursorY} ${type}`;
  terminal.dispose();
  return seen;
}

describe('what a screen says makes another terminal equal, and it goes on the same', () => {
  test.each(Object.entries(STATES))('%s', async (_, [before, after = '']) => {
    const screen = new Screen(SIZE.cols, SIZE.rows);
    // In pieces too: a sequence may come in several.
    for (const piece of [before.slice(0, -1), before.slice(-1)]) await screen.write(piece);
    const { text } = screen.state();
    expect(await looks([text])).toBe(await looks([before]));
    expect(await looks([text, after])).toBe(await looks([before, after]));
    screen.dispose();
  });
});

test('a screen is never larger than what is kept, nor smaller than a cell', () => {
  const screen = new Screen(65_535, 65_535);
  expect(screen).toMatchObject({ cols: 1000, rows: 500 });
  screen.resize(0, 0);
  // xterm has no narrower one.
  expect(screen).toMatchObject({ cols: 2, rows: 1 });
  screen.dispose();
});
