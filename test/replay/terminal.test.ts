import { describe, expect, test } from 'vitest';
import { Emulator } from '../../src/replay/terminal/emulator.ts';
import { keyframe } from '../../src/replay/terminal/keyframe.ts';
import { widthOf } from '../../src/replay/terminal/width.ts';
import { randomNumbers } from '../recorder/lab.ts';
import { PlayerTerminal } from '../support/player-terminal.ts';
import { NASTY, PIECES, REPEATED } from './nasty.ts';

/** What is done to a terminal: text, or a new size. */
type Step = string | readonly [cols: number, rows: number];

function apply(terminal: Pick<Emulator, 'feed' | 'resize'>, step: Step): void {
  if (typeof step === 'string') terminal.feed(step);
  else terminal.resize(...step);
}

/** What brings every state to light: text, moves, scrolling, restoring, the other screen. */
const AFTER: readonly Step[] = [
  'm',
  '1mz',
  '\x1b\\text qx\t|\r\n',
  [47, 12],
  '\x1b[2;38Hlong enough to wrap\n\n\x1b8back',
  '\x1b[?6h\x1b[Htop\x1b[99Bbottom\n\x1b[?6l',
  [25, 7],
  '\x1b[?1049lprimary\x1b8x',
];

/** A player's terminal that has been made of a keyframe, beside one that has seen everything. */
function both(cols: number, rows: number, before: readonly Step[]) {
  const emulator = new Emulator(cols, rows);
  const full = new PlayerTerminal(cols, rows);
  for (const step of before) {
    apply(emulator, step);
    apply(full, step);
  }
  const { screen } = emulator;
  return { full, sought: new PlayerTerminal(screen.cols, screen.rows, keyframe(emulator)) };
}

describe('a keyframe shows in the player what the whole recording shows, and goes on as it', () => {
  test.each(Object.entries({ ...NASTY, ...REPEATED }))('%s', (_, text) => {
    const { full, sought } = both(40, 10, [text]);
    expect(sought.picture).toEqual(full.picture);
    for (const step of AFTER) {
      apply(full, step);
      apply(sought, step);
      expect(sought.picture).toEqual(full.picture);
    }
  });

  test.each(Object.entries(NASTY))('%s, after the size has changed', (_, text) => {
    const { full, sought } = both(33, 8, [
      'some text before\r\n',
      text,
      [52, 13],
      'after',
      [21, 5],
    ]);
    expect(sought.picture).toEqual(full.picture);
  });
});

/** Fifty steps of pieces, cut anywhere, and of sizes. */
function randomSteps(seed: number): Step[] {
  const random = randomNumbers(seed);
  return Array.from({ length: 50 }, () => {
    if (random(12) === 0) return [3 + random(40), 2 + random(12)] as const;
    const piece = PIECES[random(PIECES.length)] ?? '';
    return random(3) === 0 ? piece.slice(0, random(piece.length + 1)) : piece;
  });
}

/**
 * Two states that a keyframe cannot say: in origin mode outside of the margins where DECRC does not
 * lead; and an alternate screen that was resized, when it is left otherwise than by 1049.
 */
function isBeyond({ screen }: Emulator, step: Step): boolean {
  const { origin, row, top, bottom, isAlternate } = screen;
  return (origin && (row < top || row > bottom)) || (isAlternate && typeof step !== 'string');
}

test.each(Array.from({ length: 60 }, (_, n) => n + 1))('anything goes: %i', (seed) => {
  const emulator = new Emulator(40, 10);
  const full = new PlayerTerminal(40, 10);
  let sought: PlayerTerminal | null = null;
  for (const [at, step] of randomSteps(seed * 7919).entries()) {
    for (const terminal of [emulator, full, sought]) if (terminal !== null) apply(terminal, step);
    if (isBeyond(emulator, step)) return;
    const { screen } = emulator;
    const fresh = new PlayerTerminal(screen.cols, screen.rows, keyframe(emulator));
    expect(fresh.picture).toEqual(full.picture);
    // One that was sought to long ago goes on as the others do.
    if (sought !== null) expect(sought.picture).toEqual(full.picture);
    if (at % 10 === 5) sought = fresh;
    else fresh.free();
  }
});

test.each(['x', '漢', '\x1b(0q', '\x1b[2;4r\x1b[3;5Hx', '\x1b[4hx', '\x1b[?7lx'])(
  '%j repeated more often than there is room for',
  (text) => {
    for (const times of [8001, 65_535]) {
      const emulator = new Emulator(40, 10);
      const player = new PlayerTerminal(40, 10);
      for (const terminal of [emulator, player]) terminal.feed(`${text}\x1b[${times}b.`);
      expect(new PlayerTerminal(40, 10, keyframe(emulator)).picture).toEqual(player.picture);
    }
  },
);

test('a terminal of one column has a space for each wide character', () => {
  const emulator = new Emulator(10, 4);
  emulator.feed('漢字 a\r\nb漢');
  emulator.resize(1, 4);
  const { lines } = emulator.screen.grid;
  expect(lines.map((line) => line.text(0, line.length))).toEqual([...'   ab   ']);
});

test('characters are as wide as the player makes them', () => {
  const player = new PlayerTerminal(20, 2);
  const wrong: string[] = [];
  for (let code = 0xa0; code < 0x30000; code += 1) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    player.feed(`\r${String.fromCodePoint(code)}`);
    const [col] = Object.values(Object(player.cursor));
    if (col !== widthOf(code)) wrong.push(code.toString(16));
  }
  expect(wrong).toEqual([]);
});
