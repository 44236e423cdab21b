/** How a character looks, as cells and the cursor of @xterm/headless say it; a number above 0: so. */
export interface Attributes {
  isBold(): number;
  isDim(): number;
  isItalic(): number;
  isUnderline(): number;
  isBlink(): number;
  isInverse(): number;
  isInvisible(): number;
  isStrikethrough(): number;
  isOverline(): number;
  isFgRGB(): boolean;
  isBgRGB(): boolean;
  isFgPalette(): boolean;
  isBgPalette(): boolean;
  getFgColor(): number;
  getBgColor(): number;
}

function color(base: 38 | 48, rgb: boolean, palette: boolean, value: number): string[] {
  if (rgb) return [`${base};2;${(value >> 16) & 0xff};${(value >> 8) & 0xff};${value & 0xff}`];
  if (!palette) return [];
  // The first 16 have shorter names too, and programs use those.
  if (value < 8) return [String(base - 8 + value)];
  return value < 16 ? [String(base + 52 - 8 + value)] : [`${base};5;${value}`];
}

/** The sequence (SGR, ECMA-48 §8.3.117) after which characters look so, whatever was before. */
export function sgrOf(look: Attributes): string {
  const flags: readonly (readonly [number, number])[] = [
    [1, look.isBold()],
    [2, look.isDim()],
    [3, look.isItalic()],
    [4, look.isUnderline()],
    [5, look.isBlink()],
    [7, look.isInverse()],
    [8, look.isInvisible()],
    [9, look.isStrikethrough()],
    [53, look.isOverline()],
  ];
  const codes = [
    '0',
    ...flags.filter(([, set]) => set !== 0).map(([code]) => String(code)),
    ...color(38, look.isFgRGB(), look.isFgPalette(), look.getFgColor()),
    ...color(48, look.isBgRGB(), look.isBgPalette(), look.getBgColor()),
  ];
  return `\u001b[${codes.join(';')}m`;
}
