// @ts-check
/* What a key says to a terminal: xterm's sequences ("ctlseqs", PC-style function keys). */

/** Ends in a letter: CSI 1 ; modifiers LETTER. */
const LETTERS = new Map([
  ['ArrowUp', 'A'],
  ['ArrowDown', 'B'],
  ['ArrowRight', 'C'],
  ['ArrowLeft', 'D'],
  ['Home', 'H'],
  ['End', 'F'],
]);
/** F1 to F4: SS3 LETTER, or as above with modifiers. */
const FUNCTIONS = new Map([
  ['F1', 'P'],
  ['F2', 'Q'],
  ['F3', 'R'],
  ['F4', 'S'],
]);
/** CSI NUMBER ; modifiers ~ */
const NUMBERS = new Map([
  ['Insert', 2],
  ['Delete', 3],
  ['PageUp', 5],
  ['PageDown', 6],
  ['F5', 15],
  ['F6', 17],
  ['F7', 18],
  ['F8', 19],
  ['F9', 20],
  ['F10', 21],
  ['F11', 23],
  ['F12', 24],
]);
/** With Ctrl, where that is not the letter's own. */
const CONTROLS = new Map([
  [' ', '\0'],
  ['@', '\0'],
  ['2', '\0'],
  ['[', '\x1b'],
  ['3', '\x1b'],
  ['\\', '\x1c'],
  ['4', '\x1c'],
  [']', '\x1d'],
  ['5', '\x1d'],
  ['^', '\x1e'],
  ['6', '\x1e'],
  ['_', '\x1f'],
  ['7', '\x1f'],
  ['/', '\x1f'],
  ['8', '\x7f'],
  ['?', '\x7f'],
]);

/** @param {KeyboardEvent} event */
function modifiersOf({ shiftKey, altKey, ctrlKey, metaKey }) {
  return 1 + (shiftKey ? 1 : 0) + (altKey ? 2 : 0) + (ctrlKey ? 4 : 0) + (metaKey ? 8 : 0);
}

/**
 * @param {KeyboardEvent} event
 * @param {boolean} application
 */
function functionKey(event, application) {
  const modifiers = modifiersOf(event);
  const number = NUMBERS.get(event.key);
  if (number !== undefined) {
    return modifiers === 1 ? `\x1b[${number}~` : `\x1b[${number};${modifiers}~`;
  }
  const own = FUNCTIONS.get(event.key);
  const letter = own ?? LETTERS.get(event.key);
  if (letter === undefined) return null;
  if (modifiers !== 1) return `\x1b[1;${modifiers}${letter}`;
  return own !== undefined || application ? `\x1bO${letter}` : `\x1b[${letter}`;
}

/** @param {KeyboardEvent} event */
function plainKey({ key, shiftKey, altKey, ctrlKey }) {
  const meta = altKey ? '\x1b' : '';
  switch (key) {
    case 'Enter':
      return `${meta}\r`;
    case 'Backspace':
      return `${meta}${ctrlKey ? '\b' : '\x7f'}`;
    case 'Tab':
      return shiftKey ? '\x1b[Z' : '\t';
    case 'Escape':
      return `${meta}\x1b`;
    default:
      return null;
  }
}

/** @param {KeyboardEvent} event */
function withControl({ key, altKey }) {
  if (key.length !== 1) return null;
  const meta = altKey ? '\x1b' : '';
  if (/^[a-z]$/i.test(key)) return meta + String.fromCharCode(key.toUpperCase().charCodeAt(0) - 64);
  const control = CONTROLS.get(key);
  return control === undefined ? null : meta + control;
}

/**
 * Null: the key is the browser's, or comes as text.
 * @param {KeyboardEvent} event
 * @param {boolean} application whether the program wants application cursor keys
 * @returns {string | null}
 */
export function keyText(event, application) {
  // Copying and pasting.
  if (event.metaKey || (event.ctrlKey && event.shiftKey)) return null;
  const special = plainKey(event) ?? functionKey(event, application);
  if (special !== null) return special;
  // AltGr makes characters, and looks like both.
  if (event.ctrlKey && !event.getModifierState('AltGraph')) return withControl(event);
  if (event.altKey && !event.getModifierState('AltGraph') && event.key.length === 1) {
    return `\x1b${event.key}`;
  }
  return null;
}
