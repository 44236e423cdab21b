import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { analyserOf } from '../../src/analysis/analyser.ts';
import type { AnalysisChanges } from '../../src/domain/analysis.ts';
import type { CastEvent } from '../../src/domain/recording.ts';
import { analysed, corpus, type Found, latest, type Recorded, score } from './corpus.ts';

const ALL = corpus();

/** How well a part of the corpus is read: found of those that there are, and right of those found. */
function rates(recorded: readonly Recorded[]): { readonly recall: number; precision: number } {
  const scores = recorded.map((one) => score(one, analysed(one.channel, one.events)));
  const sum = (of: 'truth' | 'found' | 'right'): number =>
    scores.reduce((all, one) => all + one[of], 0);
  return { recall: sum('right') / sum('truth'), precision: sum('right') / sum('found') };
}

/** Bench/commands.ts has the figures; these are what they must not fall below. */
describe('the corpus', () => {
  const isMarked = ({ name }: Recorded): boolean => name.startsWith('marks-');

  test('without marks, commands are read off the screen', () => {
    const { recall, precision } = rates(ALL.filter((one) => !isMarked(one)));
    expect(recall).toBeGreaterThanOrEqual(0.95);
    expect(precision).toBeGreaterThanOrEqual(0.95);
  });

  test('with marks, commands and what their shells say of them are exact', () => {
    for (const recorded of ALL.filter(isMarked)) {
      const found = analysed(recorded.channel, recorded.events);
      const { missed, wrong, exits, exitsRight } = score(recorded, found);
      expect([recorded.name, missed, wrong]).toEqual([recorded.name, [], []]);
      expect([recorded.name, exitsRight]).toEqual([recorded.name, exits]);
      for (const { text, cwd } of recorded.truth.filter((one) => one.cwd !== null)) {
        expect(found.commands.find((one) => one.text === text)?.cwd).toBe(cwd);
      }
    }
  });

  test.each(ALL.map((one) => [one.name, one] as const))(
    '%s: nothing that was typed blind is in what is derived',
    (_, { channel, events, secrets }) => {
      const derived = JSON.stringify(analysed(channel, events));
      for (const secret of secrets) expect(derived).not.toContain(secret);
    },
  );
});

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
function interrupted({ channel }: Recorded, events: readonly CastEvent[], every: number): Found {
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

test('wherever its output is cut and its reading interrupted, a recording holds the same', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ALL),
      fc.array(fc.nat(400), { maxLength: 300 }),
      fc.integer({ min: 1, max: 60 }),
      (recorded, places, every) => {
        const whole = analysed(recorded.channel, recorded.events);
        expect(interrupted(recorded, cut(recorded.events, places), every)).toEqual(whole);
      },
    ),
    { numRuns: 60 },
  );
});
