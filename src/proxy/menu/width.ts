/**
 * How many columns text takes on a terminal. Where terminals differ (emoji made of several), the
 * wider answer is given: then nothing runs over the edge.
 */

/** East Asian Width W and F (Unicode 16, EastAsianWidth.txt), apart from emoji; first and last. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2630, 0x2637],
  [0x268a, 0x268f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18dff],
  [0x1aff0, 0x1b2ff],
  [0x1d300, 0x1d376],
  [0x1f000, 0x1f02f],
  [0x1f200, 0x1f2ff],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1faff],
  [0x20000, 0x3fffd],
];

/** Marks that stand on the letter before them, and what is not seen. */
const NOTHING = /^[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]$/u;
const EMOJI = /^\p{Emoji_Presentation}$/u;

/** Of one code point. */
function widthOf(char: string): number {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x300)
    return code === 0xad ? 1 : Number(code >= 0x20 && (code < 0x7f || code >= 0xa0));
  if (NOTHING.test(char)) return 0;
  const wide = WIDE.some(([first, last]) => code >= first && code <= last);
  return wide || EMOJI.test(char) ? 2 : 1;
}

/** Columns that `text` takes on one line. */
export function widthOfText(text: string): number {
  let width = 0;
  for (const char of text) width += widthOf(char);
  return width;
}

const SEGMENTER = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** `text` without its last character as people count them. */
export function withoutLast(text: string): string {
  const last = [...SEGMENTER.segment(text)].at(-1);
  return last === undefined ? '' : text.slice(0, last.index);
}

/** `text` cut to `columns`, with `mark` (one column wide) at the end where something was cut. */
export function cut(text: string, columns: number, mark: string): string {
  if (columns <= 0) return '';
  if (widthOfText(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const { segment } of SEGMENTER.segment(text)) {
    width += widthOfText(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return kept + mark;
}

/** The end of `text` that fits into `columns`. */
export function tail(text: string, columns: number): string {
  const segments = [...SEGMENTER.segment(text)].map(({ segment }) => segment);
  while (segments.length > 0 && widthOfText(segments.join('')) > columns) segments.shift();
  return segments.join('');
}
