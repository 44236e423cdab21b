import type { Emulator } from './emulator.ts';
import type { Grid } from './grid.ts';
import type { Line } from './line.ts';
import { type Pen, PLAIN, penSequence } from './pen.ts';
import type { Screen } from './screen.ts';
import { NOTHING_SAVED, type Saved } from './screen-state.ts';
import { Tabs } from './tabs.ts';

/** Rows and columns as sequences count them. */
function goTo(row: number, col: number): string {
  return `\x1b[${row + 1};${col + 1}H`;
}

/** The first `end` cells of a row as text, from `pen` on; answers the pen that it ends with. */
function rowText(line: Line, end: number, pen: Pen): [text: string, pen: Pen] {
  let text = '';
  let now = pen;
  for (let col = 0; col < end; col += 1) {
    if (line.isTail(col)) continue;
    const wanted = line.pen(col);
    if (wanted.fg !== now.fg || wanted.bg !== now.bg) text += penSequence(wanted);
    now = wanted;
    text += String.fromCodePoint(line.character(col));
  }
  return [text, now];
}

/** `all`: the rows above the screen too, as a screen that grows gets them back, and what is half read. */
type Extent = 'all' | 'screen';

/** Prints the rows. */
function gridText(grid: Grid, extent: Extent): string {
  const lines = extent === 'all' ? grid.lines : grid.lines.slice(-grid.rows);
  let text = '';
  let pen = PLAIN;
  let goesOn = false;
  for (const [at, line] of lines.entries()) {
    // What goes over the edge has to be full, and the row that it came to was filled with a pen.
    const whole = line.wrapped || goesOn;
    const [row, last] = rowText(line, whole ? line.length : line.length - line.trailing, pen);
    text += row;
    pen = last;
    goesOn = line.wrapped;
    if (goesOn || at === lines.length - 1) continue;
    // A row that comes in at the bottom is filled with the pen.
    if (pen !== PLAIN) text += penSequence(PLAIN);
    pen = PLAIN;
    text += '\r\n';
  }
  return `${text}${penSequence(PLAIN)}`;
}

function tabsText(screen: Screen): string {
  const { stops } = screen.tabs;
  if (stops.join() === new Tabs(screen.cols).stops.join()) return '';
  return `\x1b[3g${stops.map((stop) => `\x1b[${stop + 1}G\x1bH`).join('')}`;
}

function savedText(saved: Saved): string {
  if (saved === NOTHING_SAVED) return '';
  const { row, col, pen, origin, wraps } = saved;
  // Without margins as yet, so origin mode changes nothing but what is saved of it.
  const on = `${origin ? '\x1b[?6h' : ''}${wraps ? '' : '\x1b[?7l'}`;
  const off = `${origin ? '\x1b[?6l' : ''}${wraps ? '' : '\x1b[?7h'}`;
  return `${on}${goTo(row, col)}${penSequence(pen)}\x1b7${off}${penSequence(PLAIN)}`;
}

/** A cursor behind the last column is there by printing what is in that column again. */
function pendingWrapText(screen: Screen): string {
  if (screen.col < screen.cols) return '';
  const { line, cols } = screen;
  const at = line.isTail(cols - 1) ? cols - 2 : cols - 1;
  const back = at === cols - 1 ? '' : '\x1b[D';
  return `${back}${penSequence(line.pen(at))}${String.fromCodePoint(line.character(at))}`;
}

/** `n` times the movement; nothing for 0. */
function moves(n: number, forth: string, back: string): string {
  return n === 0 ? '' : `\x1b[${Math.abs(n)}${n > 0 ? forth : back}`;
}

function cursorText(screen: Screen): string {
  const { origin, top, bottom, rows, cols, row, saved } = screen;
  const col = Math.min(screen.col, cols - 1);
  const mode = origin ? '\x1b[?6h' : '';
  const margins = top > 0 || bottom < rows - 1 ? `\x1b[${top + 1};${bottom + 1}r` : '';
  if (origin && (row < top || row > bottom)) {
    // In origin mode only restoring leads out of the margins: it must have come from there.
    const way = `${moves(col - saved.col, 'C', 'D')}${moves(row - saved.row, 'B', 'A')}`;
    return `${mode}${margins}\x1b8${way}\x1b[?7h`;
  }
  return `${mode}${margins}${goTo(origin ? row - top : row, col)}`;
}

function modesText(screen: Screen): string {
  const { drawing, charset, inserts, wraps, newLine, cursorVisible } = screen;
  return [
    cursorVisible ? '' : '\x1b[?25l',
    drawing[0] ? '\x1b(0' : '',
    drawing[1] ? '\x1b)0' : '',
    charset === 1 ? '\x0e' : '',
    inserts ? '\x1b[4h' : '',
    wraps ? '' : '\x1b[?7l',
    newLine ? '\x1b[20h' : '',
  ].join('');
}

/**
 * A primary screen that has not followed a new size is shown in it as leaving the alternate screen
 * by 1049 would show it; its saved cursor is where that would bring the cursor.
 */
function primaryParts({ primary, savedPrimary, cols, rows }: Screen): [Grid, Saved] {
  if (primary.cols === cols && primary.rows === rows) return [primary, savedPrimary];
  const copy = primary.copy();
  return [copy, { ...savedPrimary, ...copy.resize(cols, rows, savedPrimary) }];
}

function screensText(screen: Screen, extent: Extent): string {
  const [primary, saved] = primaryParts(screen);
  const { savedAlternate, isAlternate } = screen;
  const first = `${gridText(primary, extent)}${tabsText(screen)}${savedText(saved)}`;
  const visits = isAlternate || savedAlternate !== NOTHING_SAVED;
  if (!visits) return first;
  const shown = isAlternate ? `\x1b[H${gridText(screen.grid, extent)}` : '';
  const back = isAlternate ? '' : '\x1b[?1047l';
  return `${first}\x1b[?1047h${shown}${savedText(savedAlternate)}${back}`;
}

/**
 * What a new terminal of the same size has to be fed to be in the state of this one: both screens,
 * cursor, margins, modes, and the beginning of a sequence that is not at its end. With `screen` it will not grow, and
 * is fed nothing more.
 */
export function keyframe({ screen, unfinished }: Emulator, extent: Extent = 'all'): string {
  return [
    screensText(screen, extent),
    cursorText(screen),
    pendingWrapText(screen),
    penSequence(screen.pen),
    modesText(screen),
    extent === 'all' ? unfinished : '',
  ].join('');
}
