import type { Span } from './span.ts';

/** RFC 7468, OpenPGP's armour, and PuTTY's files. */
const BEGIN =
  /-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----|^\s{0,20}Private-Lines: [0-9]{1,5}\s{0,20}$/;
const END = /-----END (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----|^\s{0,20}Private-MAC: /;

/** What editors and diffs put before or behind a line. */
const BODY = /^[\s│|>+\-0-9:]{0,24}?([A-Za-z0-9+/=]{1,4096})[\s│|\\]{0,500}$/;
const FIELD = /^[\s│|>+]{0,24}(?:Proc-Type|DEK-Info|Version|Comment|Hash): /;
const BLANK = /^\s*$/;

/** All of these, for who has to know whether they have changed. */
export const KEY_FORMS: readonly string[] = [BEGIN, END, BODY, FIELD, BLANK].map(
  ({ source }) => source,
);

/** What a line is to a private key that may go over several. */
export type KeyLine = 'begin' | 'end' | 'body' | 'field' | 'blank' | 'other';

/** Whether a key may begin or end in the line; without, it says something inside of one alone. */
export function hasKeyMark(text: string): boolean {
  return text.includes('-----') || text.includes('Private-');
}

export function keyLineOf(text: string): KeyLine {
  const hasMark = hasKeyMark(text);
  if (hasMark && END.test(text)) return 'end';
  if (hasMark && BEGIN.test(text)) return 'begin';
  if (BLANK.test(text)) return 'blank';
  if (BODY.test(text)) return 'body';
  return text.includes(': ') && FIELD.test(text) ? 'field' : 'other';
}

/** Whether the line after one of this kind may be a key's; `inside`: this one may be. */
export function goesOn(kind: KeyLine, inside: boolean): boolean {
  if (kind === 'begin') return true;
  return inside && (kind === 'body' || kind === 'field' || kind === 'blank');
}

/** All of a line of a key. */
export function bodySpan(text: string): Span {
  const from = text.length - text.trimStart().length;
  return { from, to: Math.max(from, text.trimEnd().length) };
}

/** Those of the lines, by their index, that are of a key, also where its beginning or its end is not there. */
export function keyLinesIn(lines: readonly string[]): ReadonlySet<number> {
  const found = new Set<number>();
  if (!lines.some(hasKeyMark)) return found;
  const kinds = lines.map(keyLineOf);
  let inside = false;
  for (const [at, kind] of kinds.entries()) {
    if (inside && (kind === 'body' || kind === 'field')) found.add(at);
    inside = goesOn(kind, inside);
    if (kind !== 'end') continue;
    for (let above = at - 1; above >= 0 && goesOn(kinds[above] ?? 'other', true); above -= 1) {
      if (kinds[above] === 'begin') break;
      found.add(above);
    }
  }
  return found;
}
