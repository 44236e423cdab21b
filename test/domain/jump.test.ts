import { expect, test } from 'vitest';
import { jumpProblems, jumpsTo, MAX_JUMPS } from '../../src/domain/jump.ts';
import type { Machine } from '../../src/domain/machine.ts';
import { routeTo } from '../targets/route.ts';

const { machine: example } = routeTo({ port: 22 });

/** `{ a: 'b' }`: a is reached through b, which is reached directly unless it is named too. */
function finding(jumps: Readonly<Record<string, string | null>>) {
  return (name: string): Promise<Machine | null> => {
    const jump = jumps[name];
    return Promise.resolve(jump === undefined ? null : { ...example, name, jump });
  };
}

test('the way is in the order in which it is dialled', async () => {
  const found = await jumpsTo({ name: 'c', jump: 'b' }, finding({ b: 'a', a: null }));
  expect(Array.isArray(found) && found.map(({ name }) => name)).toEqual(['a', 'b']);
  expect(await jumpsTo({ name: 'c', jump: null }, finding({}))).toEqual([]);
});

test.each<[string, Readonly<Record<string, string | null>>, string]>([
  ['itself', { a: 'a' }, 'leads back to a machine that it came from: a -> a'],
  ['one behind it', { a: 'b', b: 'a' }, 'leads back to a machine that it came from: a -> b -> a'],
  [
    'a loop further on',
    { a: 'b', b: 'c', c: 'b' },
    'leads back to a machine that it came from: a -> b -> c -> b',
  ],
  ['nobody', { a: 'b' }, 'there is no machine b'],
])('a jump to %s is none', async (_what, jumps, message) => {
  const found = await jumpProblems(
    { name: 'a', jump: Object.values(jumps)[0] ?? null },
    finding(jumps),
    'jump',
  );
  expect(found).toEqual([{ field: 'jump', message }]);
});

test('a way is at most so long', async () => {
  const chain = (length: number) =>
    Object.fromEntries(
      Array.from({ length }, (_, at) => [`m${at}`, at + 1 < length ? `m${at + 1}` : null]),
    );
  const whole = await jumpsTo({ name: 'x', jump: 'm0' }, finding(chain(MAX_JUMPS)));
  expect(whole).toHaveLength(MAX_JUMPS);
  expect(
    await jumpProblems({ name: 'x', jump: 'm0' }, finding(chain(MAX_JUMPS + 1)), 'jump'),
  ).toEqual([{ field: 'jump', message: 'leads through more than 8 machines' }]);
});
