// @ts-check
/* Shows what an emulator (@xterm/headless) holds, as rows of text with colours. */

/** xterm's own sixteen. */
const BASIC = [
  ...['#2e3436', '#cc0000', '#4e9a06', '#c4a000', '#3465a4', '#75507b', '#06989a', '#d3d7cf'],
  ...['#555753', '#ef2929', '#8ae234', '#fce94f', '#729fcf', '#ad7fa8', '#34e2e2', '#eeeeec'],
];
const STEPS = [0, 95, 135, 175, 215, 255];

/** @param {number} index of 256 */
function paletteColor(index) {
  if (index < 16) return BASIC[index];
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return `rgb(${grey},${grey},${grey})`;
  }
  const cube = index - 16;
  const [red, green, blue] = [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6];
  return `rgb(${STEPS[red]},${STEPS[green]},${STEPS[blue]})`;
}

/**
 * @param {any} cell
 * @param {'Fg' | 'Bg'} which
 */
function colorOf(cell, which) {
  if (cell[`is${which}Default`]()) return '';
  const value = cell[`get${which}Color`]();
  if (cell[`is${which}RGB`]()) return `#${value.toString(16).padStart(6, '0')}`;
  return paletteColor(which === 'Fg' && cell.isBold() && value < 8 ? value + 8 : value) ?? '';
}

/** @param {any} cell */
function lookOf(cell) {
  const [fg, bg] = [colorOf(cell, 'Fg'), colorOf(cell, 'Bg')];
  const inverse = cell.isInverse() !== 0;
  const names = [
    cell.isBold() && 'bold',
    cell.isDim() && 'dim',
    cell.isItalic() && 'italic',
    cell.isUnderline() && 'underline',
    cell.isStrikethrough() && 'strike',
    cell.isInvisible() && 'invisible',
  ].filter((name) => typeof name === 'string');
  return {
    names: names.join(' '),
    fg: inverse ? bg || 'var(--screen)' : fg,
    bg: inverse ? fg || 'var(--glow)' : bg,
  };
}

/** @typedef {ReturnType<typeof lookOf>} Look */

/**
 * @param {Look} look
 * @param {string} text
 * @param {boolean} isCursor
 */
function piece({ names, fg, bg }, text, isCursor) {
  const span = document.createElement('span');
  span.className = isCursor ? `${names} cursor` : names;
  if (fg !== '') span.style.color = fg;
  if (bg !== '') span.style.backgroundColor = bg;
  span.textContent = text;
  return span;
}

/** The rows of a terminal, in an element; painted at most once a frame. */
export class Screen {
  /**
   * @param {any} terminal
   * @param {HTMLElement} place
   */
  constructor(terminal, place) {
    this.terminal = terminal;
    this.place = place;
    this.cursorShown = true;
    this.asked = false;
    const cursor = (/** @type {boolean} */ shown) => (/** @type {number[]} */ params) => {
      if (params.includes(25)) this.cursorShown = shown;
      return false;
    };
    terminal.parser.registerCsiHandler({ prefix: '?', final: 'h' }, cursor(true));
    terminal.parser.registerCsiHandler({ prefix: '?', final: 'l' }, cursor(false));
  }

  /** Columns and rows that have room. */
  size() {
    const probe = piece({ names: '', fg: '', bg: '' }, 'W'.repeat(100), false);
    const row = document.createElement('div');
    row.append(probe);
    this.place.append(row);
    const { width, height } = probe.getBoundingClientRect();
    row.remove();
    const style = getComputedStyle(this.place);
    const inside = (/** @type {number} */ all, /** @type {string[]} */ edges) =>
      edges.reduce((left, edge) => left - Number.parseFloat(edge), all);
    const across = inside(this.place.clientWidth, [style.paddingLeft, style.paddingRight]);
    const down = inside(this.place.clientHeight, [style.paddingTop, style.paddingBottom]);
    const within = (/** @type {number} */ value) => Math.max(1, Math.min(1000, Math.floor(value)));
    return { cols: within(across / (width / 100)), rows: within(down / height) };
  }

  paint() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      this.now();
    });
  }

  now() {
    const { rows, buffer } = this.terminal;
    const { viewportY } = buffer.active;
    const all = Array.from({ length: rows }, (_, row) => this.row(viewportY + row));
    this.place.replaceChildren(...all);
  }

  /** @param {number} number */
  row(number) {
    const { active } = this.terminal.buffer;
    const line = active.getLine(number);
    const isHere = number === active.baseY + active.cursorY && this.cursorShown;
    const row = document.createElement('div');
    /** @type {HTMLElement | null} */
    let last = null;
    for (let column = 0; column < this.terminal.cols; column += 1) {
      const cell = line?.getCell(column);
      // The second half of a wide one.
      if (cell === undefined || cell.getWidth() === 0) continue;
      const next = cellPiece(cell, isHere && column === active.cursorX);
      if (last !== null && looksLike(last, next)) last.append(next.textContent ?? '');
      else {
        row.append(next);
        last = next;
      }
    }
    return row;
  }
}

/**
 * @param {any} cell
 * @param {boolean} isCursor
 */
function cellPiece(cell, isCursor) {
  const span = piece(lookOf(cell), cell.getChars() || ' ', isCursor);
  if (cell.getWidth() === 2) span.classList.add('wide');
  return span;
}

/**
 * Whether one piece does for both; the cursor and wide characters stand alone.
 * @param {HTMLElement} one
 * @param {HTMLElement} other
 */
function looksLike(one, other) {
  if (one.className !== other.className || /wide|cursor/.test(one.className)) return false;
  return one.style.cssText === other.style.cssText;
}
