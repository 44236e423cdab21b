import { generate } from 'lean-qr';

/** Modules of light around the code; four by the standard, and readers make do with two. */
const QUIET = 2;

/**
 * A QR code in half blocks, two rows of modules to a line. What is light is drawn, for terminals are
 * mostly dark; readers take it either way. No colours: clients strip them before a sign-in.
 */
export function terminalQr(text: string): string {
  const code = generate(text);
  const end = code.size + QUIET;
  const light = (row: number, column: number): boolean => row < end && !code.get(column, row);
  const lines: string[] = [];
  for (let row = -QUIET; row < end; row += 2) {
    let line = '';
    for (let column = -QUIET; column < end; column++) {
      line += half(light(row, column), light(row + 1, column));
    }
    lines.push(line);
  }
  return lines.join('\n');
}

function half(upper: boolean, lower: boolean): string {
  if (upper) return lower ? '█' : '▀';
  return lower ? '▄' : ' ';
}
