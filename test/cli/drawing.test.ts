import { expect, test } from 'vitest';
import { Drawing } from '../../src/cli/drawing.ts';

const ESC = '\u001b';

/** As one piece, and in pieces of one character. */
function drawn(text: string): string {
  const whole = new Drawing().take(text);
  const drawing = new Drawing();
  expect(Array.from(text, (unit) => drawing.take(unit)).join('')).toBe(whole);
  return whole;
}

test.each([
  ['text, also of other scripts', 'ünï 漢字 🎉\r\n\t\b\u0007'],
  ['colours and the cursor', `${ESC}[1;38;2;1;2;3mred${ESC}[0m${ESC}[10;2H${ESC}[2J${ESC}[K`],
  ['colours with colons', `${ESC}[4:3;58:2::1:2:3m`],
  [
    'the other screen, modes and the form of the cursor',
    `${ESC}[?1049h${ESC}[?25l${ESC}[4h${ESC}[5 q`,
  ],
  ['regions, lines and tabs', `${ESC}[2;20r${ESC}[3L${ESC}M${ESC}H${ESC}7${ESC}8`],
  ['character sets', `${ESC}(0lqk${ESC}(B${ESC})A${ESC}#8`],
])('goes on: %s', (_, text) => {
  expect(drawn(text)).toBe(text);
});

test.each([
  ['the clipboard', `${ESC}]52;c;cm0gLXJmIH4=\u0007`],
  ['the clipboard, ended otherwise', `${ESC}]52;c;cm0gLXJmIH4=${ESC}\\`],
  ['the clipboard, by C1 controls', '\u009d52;c;cm0gLXJmIH4=\u0007'],
  ['a title, and the question for it', `${ESC}]2;rm -rf ~\u0007${ESC}[21t`],
  ['who are you, all ways', `${ESC}[c${ESC}[>c${ESC}[=c${ESC}Z${ESC}[>q\u0005\u009bc`],
  ['where the cursor is', `${ESC}[6n${ESC}[?6n${ESC}[0x`],
  ['modes and settings', `${ESC}[?2004$p${ESC}P$qm${ESC}\\${ESC}P+q544e${ESC}\\${ESC}[?u`],
  ['checksums of the screen', `${ESC}[1;1;1;1;5;5*y`],
  ['a printer, keys, another encoding', `${ESC}[5i${ESC}[>4;2m${ESC}%@${ESC} G`],
  ['other strings', `${ESC}_Gq=1${ESC}\\${ESC}^x${ESC}\\${ESC}Xy${ESC}\\`],
  ['a sequence without an end', `${ESC}[${'1;'.repeat(500)}`],
])('is dropped: %s', (_, text) => {
  expect(drawn(`a${text}`).replace(/^a[;1]*$/, 'a')).toBe('a');
});

test('what cuts a sequence or a string short is seen as a terminal sees it', () => {
  expect(drawn(`${ESC}]2;title${ESC}[1mbold`)).toBe(`${ESC}[1mbold`);
  expect(drawn(`${ESC}[6\u0018n`)).toBe('n');
  expect(drawn(`${ESC}[3${ESC}[1mx`)).toBe(`${ESC}[1mx`);
  expect(drawn(`${ESC}[3\r1m`)).toBe(`\r${ESC}[31m`);
});
