/** Escape sequences (ECMA-48, with xterm's BEL as a string's end), also one that has no end. */
const ESCAPES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
  /\x1b(?:\[[0-?]*[ -/]*(?:[@-~]|$)|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)|[ -/]*[0-~]?)|[\x80-\x9f]/g;

const CONTROLS = /[^\P{Cc}\t]/gu;

/**
 * A line that a program wrote to no terminal, as one would have shown it: without escape sequences, and
 * of what was written over, the last.
 */
export function plainText(line: string): string {
  const whole =
    line.includes('\x1b') || /[\x80-\x9f]/.test(line) ? line.replace(ESCAPES, '') : line;
  let end = whole.length;
  // An expression for this takes time in the square of a row of them.
  while (whole[end - 1] === '\r') end -= 1;
  const last = whole.slice(end === 0 ? 0 : whole.lastIndexOf('\r', end - 1) + 1, end);
  return last.replace(CONTROLS, '').trimEnd();
}
