import type { Line } from '../replay/terminal/line.ts';
import { bodySpan, goesOn, keyLineOf } from './key-block.ts';
import type { RuleSet } from './rule-set.ts';
import { type Cell, cellsOf, linesOf, type ScreenLine } from './screen-lines.ts';
import type { Span } from './span.ts';

/** The lines of some rows, with what they say of private keys: `inside` lines may be one's. */
function keysIn(lines: readonly ScreenLine[]): ReadonlySet<ScreenLine> {
  const found = new Set<ScreenLine>();
  let inside = false;
  for (const [at, line] of lines.entries()) {
    const kind = keyLineOf(line.text);
    if (inside && (kind === 'body' || kind === 'field')) found.add(line);
    inside = goesOn(kind, inside);
    if (kind !== 'end') continue;
    for (const above of lines.slice(0, at).reverse()) {
      const before = keyLineOf(above.text);
      if (before !== 'body' && before !== 'field' && before !== 'blank') break;
      found.add(above);
    }
  }
  return found;
}

/** What is secret in what the rows of a screen say now, those above it first. */
export function* secretCells(rows: readonly Line[], rules: RuleSet): Generator<Cell> {
  const lines = linesOf(rows);
  const keys: ReadonlySet<ScreenLine> = rules.hidesKeys ? keysIn(lines) : new Set();
  for (const line of lines) {
    const spans: readonly Span[] = keys.has(line) ? [bodySpan(line.text)] : rules.find(line.text);
    for (const { from, to } of spans) yield* cellsOf(line, from, to);
  }
}
