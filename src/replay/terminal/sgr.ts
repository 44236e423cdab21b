import {
  BLINK,
  BOLD,
  COLOUR,
  FAINT,
  INVERSE,
  ITALIC,
  indexed,
  type Pen,
  rgb,
  STRIKETHROUGH,
  UNDERLINE,
} from './pen.ts';

/** The parameters of a sequence: each has parts, separated by colons, at least one. */
export interface Parameters {
  readonly count: number;
  /** The first part. */
  first(at: number): number;
  hasParts(at: number): boolean;
  parts(at: number): readonly number[];
}

/** What a parameter sets and takes away in `fg`. */
const ATTRIBUTES: ReadonlyMap<number, readonly [set: number, unset: number]> = new Map([
  [1, [BOLD, FAINT]],
  [2, [FAINT, BOLD]],
  [3, [ITALIC, 0]],
  [4, [UNDERLINE, 0]],
  [5, [BLINK, 0]],
  [7, [INVERSE, 0]],
  [21, [0, BOLD | FAINT]],
  [22, [0, BOLD | FAINT]],
  [23, [0, ITALIC]],
  [24, [0, UNDERLINE]],
  [25, [0, BLINK]],
  [27, [0, INVERSE]],
]);

/** The colour that one parameter names by itself; null: none. `base` is 30 or 40. */
function shortColour(value: number, base: number): number | null {
  if (value >= base && value <= base + 7) return indexed(value - base);
  if (value === base + 9) return 0;
  if (value >= base + 60 && value <= base + 67) return indexed(value - base - 60 + 8);
  return null;
}

/** `38:5:N`, `38:2:R:G:B` and `38:2:ID:R:G:B`; null: none of them. */
function colourOfParts(parts: readonly number[]): number | null {
  const [, kind, ...rest] = parts;
  if (kind === 5 && rest.length === 1) return indexed(rest[0] ?? 0);
  if (kind !== 2 || rest.length < 3 || rest.length > 4) return null;
  const [red = 0, green = 0, blue = 0] = rest.slice(-3);
  return rgb(red, green, blue);
}

/** `38;5;N` and `38;2;R;G;B` from `at` on: the colour, and how many parameters it takes. */
function colourOfList(list: Parameters, at: number): readonly [number | null, number] {
  if (at + 1 >= list.count || list.hasParts(at + 1)) return [null, 1];
  const kind = list.first(at + 1);
  if (kind === 2) {
    if (at + 4 >= list.count) return [null, 2];
    return [rgb(list.first(at + 2), list.first(at + 3), list.first(at + 4)), 5];
  }
  if (kind !== 5) return [null, 1];
  return at + 2 < list.count ? [indexed(list.first(at + 2)), 3] : [null, 2];
}

function coloured(pen: Pen, isForeground: boolean, colour: number): Pen {
  return isForeground
    ? { fg: (pen.fg & ~COLOUR) | colour, bg: pen.bg }
    : { fg: pen.fg, bg: (pen.bg & ~COLOUR) | colour };
}

function simple(pen: Pen, value: number): Pen {
  const change = ATTRIBUTES.get(value);
  if (change !== undefined) return { fg: (pen.fg & ~change[1]) | change[0], bg: pen.bg };
  if (value === 0) return { fg: 0, bg: 0 };
  if (value === 9) return { fg: pen.fg, bg: pen.bg | STRIKETHROUGH };
  if (value === 29) return { fg: pen.fg, bg: pen.bg & ~STRIKETHROUGH };
  const foreground = shortColour(value, 30);
  if (foreground !== null) return coloured(pen, true, foreground);
  const background = shortColour(value, 40);
  return background === null ? pen : coloured(pen, false, background);
}

/** Select Graphic Rendition (ECMA-48 §8.3.117, and xterm's colours). */
export function renditionAfter(pen: Pen, list: Parameters): Pen {
  let now = pen;
  for (let at = 0; at < list.count; ) {
    const value = list.first(at);
    const hasParts = list.hasParts(at);
    let taken = 1;
    if (value === 38 || value === 48) {
      let colour: number | null = null;
      if (hasParts) colour = colourOfParts(list.parts(at));
      else [colour, taken] = colourOfList(list, at);
      if (colour !== null) now = coloured(now, value === 38, colour);
    } else if (!hasParts) {
      now = simple(now, value);
    }
    at += taken;
  }
  return now;
}
