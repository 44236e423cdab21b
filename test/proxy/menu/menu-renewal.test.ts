import { expect, onTestFinished, test } from 'vitest';
import type { ReachableMachine } from '../../../src/domain/control-plane.ts';
import { MenuRenewal } from '../../../src/proxy/menu/menu-renewal.ts';
import { eventually, within } from '../../support/eventually.ts';
import { reachable } from './machines.ts';

/** A host whose word comes when the test says so. */
function host(first: readonly ReachableMachine[]) {
  const [shown, words]: [string[][], PromiseWithResolvers<string>[]] = [[], []];
  const at = {
    machines: first as readonly ReachableMachine[] | null,
    asked: 0,
    shown,
    word: (): void => {
      for (const one of words.splice(0)) one.resolve('heard');
    },
  };
  const renewal = new MenuRenewal(
    {
      reachableChanged: () => {
        const word = Promise.withResolvers<string>();
        words.push(word);
        return word.promise;
      },
      reachable: () => {
        at.asked += 1;
        return at.machines === null
          ? Promise.reject(new Error('away'))
          : Promise.resolve(at.machines);
      },
    },
    first,
    (machines) => shown.push(machines.map(({ name }) => name)),
  );
  onTestFinished(() => {
    renewal.stop();
    at.word();
  });
  return { at, renewal };
}

test('shows what is new, nothing twice, and stops', async () => {
  const { at, renewal } = host([reachable('a')]);
  at.word();
  await eventually('it has asked', () => at.asked === 1);
  expect(at.shown).toEqual([]);
  at.machines = [reachable('a'), reachable('b')];
  await eventually('it has shown them', () => {
    at.word();
    return at.shown.length === 1;
  });
  expect(at.shown).toEqual([['a', 'b']]);
  renewal.stop();
  const { asked } = at;
  at.word();
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(at.asked).toBe(asked);
});

test('ends a menu that has nothing left', async () => {
  const { at, renewal } = host([reachable('a'), reachable('b')]);
  at.machines = [];
  at.word();
  await expect(within('the end', renewal.nothingLeft)).rejects.toMatchObject({
    code: 'access.nothing',
  });
});
