import { SCROLLBACK, type Screen } from './screen.ts';
import { type Parameters, renditionAfter } from './sgr.ts';
import { widthOf } from './width.ts';

type Action = (screen: Screen, list: Parameters) => void;

/** The parameter, where 0 and none mean 1. */
function count(list: Parameters, at = 0): number {
  return list.first(at) || 1;
}

function place(screen: Screen, list: Parameters): void {
  screen.toCol(count(list, 1) - 1);
  screen.toRow(count(list) - 1);
}

/** ED. */
function eraseDisplay(screen: Screen, list: Parameters): void {
  const { grid, row, col, cols, rows, pen, line } = screen;
  switch (list.first(0)) {
    case 0:
      line.wrapped = false;
      line.clear(col, cols, pen);
      grid.clearRows(row + 1, rows, pen);
      break;
    case 1:
      line.clear(0, Math.min(col + 1, cols), pen);
      grid.clearRows(0, row, pen);
      break;
    case 2:
      grid.clearRows(0, rows, pen);
  }
}

/** EL. */
function eraseLine(screen: Screen, list: Parameters): void {
  const { col, cols, pen, line } = screen;
  const what = list.first(0);
  if (what === 1) line.clear(0, Math.min(col + 1, cols), pen);
  if (what !== 0 && what !== 2) return;
  line.clear(what === 0 ? col : 0, cols, pen);
  line.wrapped = false;
}

/** ECH. */
function eraseCharacters(screen: Screen, list: Parameters): void {
  const { col, cols, pen, line } = screen;
  const end = Math.min(col + count(list), cols);
  line.clear(col, end, pen);
  if (end === cols) line.wrapped = false;
}

/** ICH. */
function insertCharacters(screen: Screen, list: Parameters): void {
  screen.toCol(screen.col);
  const { col, cols, pen, line } = screen;
  const n = Math.min(count(list), cols - col);
  line.shiftRight(col, n, pen);
  for (let at = col; at < col + n; at += 1) line.print(at, 0x20, 1, pen);
}

/** DCH. */
function deleteCharacters(screen: Screen, list: Parameters): void {
  screen.toCol(screen.col);
  const { col, cols, pen, line } = screen;
  line.delete(col, Math.min(count(list), cols - col), pen);
  line.wrapped = false;
}

/** The end of the region that inserting and deleting rows moves. */
function regionEnd({ row, bottom, rows }: Screen): number {
  return row <= bottom ? bottom + 1 : rows;
}

/**
 * REP: what stands left of the cursor. Once it has filled the screen, and the rows above that are kept,
 * each further row of it changes nothing: no more is printed, and what the last row has of it.
 */
function repeat(screen: Screen, list: Parameters): void {
  if (screen.col === 0) return;
  const character = screen.line.character(screen.col - 1);
  const [wanted, full] = [count(list), screen.cols * (screen.rows + 2 * SCROLLBACK)];
  const row = Math.max(1, Math.floor(screen.cols / widthOf(character)));
  const n = wanted <= full ? wanted : full + ((wanted - full) % row);
  if (character < 0x20 || character > 0x7e)
    for (let at = 0; at < n; at += 1) screen.print(character);
  else screen.printAscii(String.fromCharCode(character).repeat(n), 0, n);
}

function setAnsiModes(screen: Screen, list: Parameters, on: boolean): void {
  for (let at = 0; at < list.count; at += 1) {
    if (list.first(at) === 4) screen.inserts = on;
    if (list.first(at) === 20) screen.newLine = on;
  }
}

/** 47, 1047 and 1049. */
function alternate(screen: Screen, mode: number, on: boolean): void {
  if (on) {
    if (mode === 1049) screen.save();
    screen.toAlternate();
  } else {
    screen.toPrimary();
    if (mode === 1049) screen.restore();
  }
  screen.fit();
}

function setDecMode(screen: Screen, mode: number, on: boolean): void {
  switch (mode) {
    case 6:
      screen.origin = on;
      screen.home();
      break;
    case 7:
      screen.wraps = on;
      break;
    case 25:
      screen.cursorVisible = on;
      break;
    case 1048:
      if (on) screen.save();
      else screen.restore();
      break;
    case 47:
    case 1047:
    case 1049:
      alternate(screen, mode, on);
  }
}

function setDecModes(screen: Screen, list: Parameters, on: boolean): void {
  for (let at = 0; at < list.count; at += 1) setDecMode(screen, list.first(at), on);
}

function clearTabs(screen: Screen, list: Parameters): void {
  const what = list.first(0);
  if (what === 0) screen.tabs.unset(screen.col);
  if (what === 3) screen.tabs.clear();
}

/** CTC. */
function tabControl(screen: Screen, list: Parameters): void {
  const what = list.first(0);
  if (what === 0) screen.setTab();
  if (what === 2) screen.tabs.unset(screen.col);
  if (what === 5) screen.tabs.clear();
}

const left: Action = (screen, list) => {
  const extra = screen.col === screen.cols ? 1 : 0;
  screen.toCol(screen.col - count(list) - extra);
};
const right: Action = (screen, list) => screen.toCol(screen.col + count(list));
const column: Action = (screen, list) => screen.toCol(count(list) - 1);
const down: Action = (screen, list) => screen.down(count(list));

/** By final character (ECMA-48 §8.3, and xterm's). */
const PLAIN_ACTIONS: Readonly<Record<string, Action>> = {
  '@': insertCharacters,
  A: (screen, list) => screen.up(count(list)),
  B: down,
  C: right,
  D: left,
  E: (screen, list) => {
    screen.down(count(list));
    screen.col = 0;
  },
  F: (screen, list) => {
    screen.up(count(list));
    screen.col = 0;
  },
  G: column,
  H: place,
  I: (screen, list) => {
    screen.toCol(screen.tabs.after(screen.col, count(list)) ?? screen.cols - 1);
  },
  J: eraseDisplay,
  K: eraseLine,
  L: (screen, list) => {
    screen.grid.scrollDown(screen.row, regionEnd(screen), count(list), screen.pen);
  },
  M: (screen, list) => {
    screen.grid.scrollUp(screen.row, regionEnd(screen), count(list), screen.pen);
  },
  P: deleteCharacters,
  S: (screen, list) => screen.scrollUp(count(list)),
  T: (screen, list) => screen.scrollDown(count(list)),
  W: tabControl,
  X: eraseCharacters,
  Z: (screen, list) => screen.toCol(screen.tabs.before(screen.col, count(list)) ?? 0),
  '`': column,
  a: right,
  b: repeat,
  d: (screen, list) => screen.toRow(count(list) - 1),
  e: down,
  f: place,
  g: clearTabs,
  h: (screen, list) => setAnsiModes(screen, list, true),
  l: (screen, list) => setAnsiModes(screen, list, false),
  m: (screen, list) => {
    screen.pen = renditionAfter(screen.pen, list);
  },
  r: (screen, list) => {
    screen.setMargins(count(list) - 1, (list.first(1) || screen.rows) - 1);
  },
  s: (screen) => screen.save(),
  u: (screen) => screen.restore(),
};

const MARKED_ACTIONS: Readonly<Record<string, Action>> = {
  '!p': (screen) => screen.softReset(),
  '?h': (screen, list) => setDecModes(screen, list, true),
  '?l': (screen, list) => setDecModes(screen, list, false),
};

/** Undefined: nothing that the player's terminal knows. */
export function controlAction(intermediate: number, final: number): Action | undefined {
  if (intermediate === 0) return PLAIN_ACTIONS[String.fromCharCode(final)];
  return MARKED_ACTIONS[String.fromCharCode(intermediate, final)];
}
