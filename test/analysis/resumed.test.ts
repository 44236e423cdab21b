import fc from 'fast-check';
import { expect, test } from 'vitest';
import { analyserOf } from '../../src/analysis/analyser.ts';
import type { AnalysedChannel, AnalysisChanges } from '../../src/domain/analysis.ts';
import type { CastEvent } from '../../src/domain/recording.ts';
import { NASTY, PIECES, REPEATED } from '../replay/nasty.ts';
import { analysed, corpus, type Found, latest } from './corpus.ts';

/** The same output, with each event cut in pieces of the same time, never inside of a character. */
function cut(events: readonly CastEvent[], places: readonly number[]): CastEvent[] {
  const pieces: CastEvent[] = [];
  let place = 0;
  for (const event of events) {
    let rest = event.code === 'o' ? [...event.data] : null;
    while (rest !== null && rest.length > 1 && place < places.length) {
      const at = 1 + ((places[place] ?? 0) % rest.length);
      place += 1;
      if (at >= rest.length) break;
      pieces.push({ ...event, data: rest.slice(0, at).join('') });
      rest = rest.slice(at);
    }
    pieces.push(rest === null ? event : { ...event, data: rest.join('') });
  }
  return pieces;
}

/** What is found by an analyser that is put away and taken up again after some of the events. */
function interrupted(channel: AnalysedChannel, events: readonly CastEvent[], every: number): Found {
  let analyser = analyserOf(channel, null);
  const taken: AnalysisChanges[] = [];
  for (const [at, event] of events.entries()) {
    analyser.feed(event);
    if (at % every !== 0) continue;
    if (at % (2 * every) === 0) taken.push(analyser.take());
    analyser = analyserOf(channel, analyser.state());
  }
  analyser.end();
  taken.push(analyser.take());
  return {
    commands: latest(taken.flatMap(({ commands }) => commands)),
    blocks: latest(taken.flatMap(({ blocks }) => blocks)),
  };
}

const ALL = corpus();

test('wherever its output is cut and its reading interrupted, a session holds the same', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ALL),
      fc.array(fc.nat(400), { maxLength: 300 }),
      fc.integer({ min: 1, max: 60 }),
      ({ channel, events }, places, every) => {
        const whole = analysed(channel, events);
        expect(interrupted(channel, cut(events, places), every)).toEqual(whole);
      },
    ),
    { numRuns: 60 },
  );
});

/** What shells send, in no order. */
const SHELL = [
  ...[
    '\x1b[?2004h',
    '\x1b[?2004l\r',
    '\x1b[6n',
    '\x1b[7m',
    'me@here:~$ ',
    'me@here:/etc$ ',
    '> ',
    '>>> ',
  ],
  ...['ls -la', 'make', 'Password: ', '^C', 'cat <<EOF', '\r\n', '\r\n', '\r\n', '漢字 and more'],
  ...[
    '\x1b]133;A\x07',
    '\x1b]133;B\x07',
    '\x1b]133;C\x07',
    '\x1b]133;D;1\x1b\\',
    '\x1b]7;file://h/tmp\x07',
  ],
  ...[
    '\x1b]633;E;make\\x20all\x07',
    '\x1b]633;C\x07',
    'tmux',
    '\x1b[?1049h',
    '\x1b[?1005l',
    '\x1b[?1049l',
  ],
  ...[
    '\x1b[!p\x1b[?3;4l',
    '\x1b[1;9r',
    '\x1b[9S',
    '\x1b[H',
    '\x1b[2;1H',
    '\x1b[K',
    '│',
    '\x1b[42mstatus\x1b[m',
  ],
  ...['\x1b[31m', '\x1b[m', '\x1b[K', '\x1b[01;38;5;9m\x1b[Kred\x1b[0m\x1b[K', '\x1b[44mblue\r\n'],
  `${'\x1b[1mbold\x1b[22m '.repeat(400)}\r\n`,
  `${'a long line '.repeat(30)}\r\n`,
  'x'.repeat(4100),
  'line\r\n'.repeat(200),
];

const NASTIES = [...Object.values(NASTY), ...Object.values(REPEATED), ...PIECES];

const step = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...SHELL) },
  { weight: 3, arbitrary: fc.constantFrom(...NASTIES) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(...NASTIES)
      .chain((text) => fc.nat(text.length).map((n) => text.slice(0, n))),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 20 })),
  },
);

/** Seconds before a step: within a burst, and about the pauses that mean something. */
const pause = fc.constantFrom(0, 0, 0.001, 0.06, 0.31, 1.1, 2.5);

function eventsOf(
  steps: readonly (readonly [number, string | readonly [number, number]])[],
): CastEvent[] {
  let at = 0;
  return steps.map(([after, what]) => {
    at += after;
    return typeof what === 'string'
      ? { at, code: 'o', data: what, isError: false }
      : { at, code: 'r', data: what.join('x'), isError: false };
  });
}

test('wherever anything is cut and its reading interrupted, it holds the same', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(pause, step), { minLength: 1, maxLength: 60 }),
      fc.array(fc.nat(400), { maxLength: 100 }),
      fc.integer({ min: 1, max: 7 }),
      fc.boolean(),
      (steps, places, every, pty) => {
        const channel = { channel: 1, cols: 40, rows: 10, pty, command: null };
        const events = eventsOf(steps);
        expect(interrupted(channel, cut(events, places), every)).toEqual(analysed(channel, events));
      },
    ),
    { numRuns: 400 },
  );
});
