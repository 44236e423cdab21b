import { expect, test } from 'vitest';

const FILE = new URL('../../src/web/assets/terminal-keys.js', import.meta.url).href;
const { keyText } = (await import(FILE)) as {
  readonly keyText: (event: object, application: boolean) => string | null;
};

const MODIFIERS = { C: 'ctrlKey', S: 'shiftKey', A: 'altKey', M: 'metaKey' } as const;

/** `C-ArrowUp`; `G`: AltGr, which browsers show as Ctrl and Alt. */
function press(combination: string, application = false): string | null {
  const parts = combination === '-' ? ['-'] : combination.split('-');
  const key = parts.pop() ?? '';
  const altGraph = parts.includes('G');
  const held = altGraph ? ['C', 'A'] : parts;
  const flags = Object.fromEntries(
    Object.entries(MODIFIERS).map(([letter, name]) => [name, held.includes(letter)]),
  );
  return keyText({ key, ...flags, getModifierState: () => altGraph }, application);
}

test.each([
  ['Enter', '\r'],
  ['Backspace', '\x7f'],
  ['Tab', '\t'],
  ['S-Tab', '\x1b[Z'],
  ['ArrowUp', '\x1b[A'],
  ['C-ArrowLeft', '\x1b[1;5D'],
  ['Home', '\x1b[H'],
  ['Delete', '\x1b[3~'],
  ['S-PageUp', '\x1b[5;2~'],
  ['F1', '\x1bOP'],
  ['F5', '\x1b[15~'],
  ['C-c', '\x03'],
  ['C-A-x', '\x1b\x18'],
  ['C- ', '\0'],
  ['C-[', '\x1b'],
  ['A-b', '\x1bb'],
  ['A-Enter', '\x1b\r'],
])('%s is what xterm sends', (combination, text) => {
  expect(press(combination)).toBe(text);
});

test('arrows are others where the program wants it', () => {
  expect([press('ArrowUp', true), press('End', true)]).toEqual(['\x1bOA', '\x1bOF']);
  expect(press('A-ArrowUp', true)).toBe('\x1b[1;3A');
});

test.each(['a', 'ä', 'G-@', 'C-S-c', 'C-S-V', 'M-c', 'Shift', 'Dead'])(
  '%s is left to the browser, which makes text of it or copies',
  (combination) => {
    expect(press(combination)).toBeNull();
  },
);
