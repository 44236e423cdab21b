/**
 * How characters are drawn, in two words of 32 bits, so that a cell is three numbers. Of each word
 * the low 26 bits are a colour: 0 is the default, else a kind (see below) and 24 bits of it.
 */
export interface Pen {
  /** The foreground, and the attributes in ATTRIBUTES. */
  readonly fg: number;
  /** The background, and STRIKETHROUGH. */
  readonly bg: number;
}

export const PLAIN: Pen = { fg: 0, bg: 0 };

export const COLOUR = 0x3ffffff;
const INDEXED = 1 << 24;
const RGB = 2 << 24;

export const BOLD = 1 << 26;
export const FAINT = 1 << 27;
export const ITALIC = 1 << 28;
export const UNDERLINE = 1 << 29;
export const BLINK = 1 << 30;
export const INVERSE = 1 << 31;
/** In `bg`. */
export const STRIKETHROUGH = 1 << 26;

/** One of the palette of 256. */
export function indexed(index: number): number {
  return INDEXED | (index & 0xff);
}

export function rgb(red: number, green: number, blue: number): number {
  return RGB | ((red & 0xff) << 16) | ((green & 0xff) << 8) | (blue & 0xff);
}

/** What SGR says for the colour; `base` is 30 or 40. Empty for the default. */
function colourCode(colour: number, base: number): string {
  const value = colour & 0xffffff;
  if (colour === 0) return '';
  if ((colour & RGB) !== 0) {
    return `;${base + 8};2;${value >> 16};${(value >> 8) & 0xff};${value & 0xff}`;
  }
  if (value < 8) return `;${base + value}`;
  return value < 16 ? `;${base + 52 + value}` : `;${base + 8};5;${value}`;
}

const CODES: readonly (readonly [number, string])[] = [
  [BOLD, ';1'],
  [FAINT, ';2'],
  [ITALIC, ';3'],
  [UNDERLINE, ';4'],
  [BLINK, ';5'],
  [INVERSE, ';7'],
];

/** The escape sequence that makes any pen this one. */
export function penSequence({ fg, bg }: Pen): string {
  let codes = '0';
  for (const [bit, code] of CODES) if ((fg & bit) !== 0) codes += code;
  if ((bg & STRIKETHROUGH) !== 0) codes += ';9';
  return `\x1b[${codes}${colourCode(fg & COLOUR, 30)}${colourCode(bg & COLOUR, 40)}m`;
}
