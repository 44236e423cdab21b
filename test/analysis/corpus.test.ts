import { describe, expect, test } from 'vitest';
import { analysed, corpus, type Recorded, score } from './corpus.ts';

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

  test('in tmux and screen, every command is found once', () => {
    for (const recorded of ALL.filter(({ name }) => /^(?:tmux|screen)/.test(name))) {
      const { missed, wrong } = score(recorded, analysed(recorded.channel, recorded.events));
      expect([recorded.name, missed, wrong]).toEqual([recorded.name, [], []]);
    }
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
