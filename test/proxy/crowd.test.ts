import { once } from 'node:events';
import { expect, test } from 'vitest';
import { within } from '../support/eventually.ts';
import { openProxyStage } from './stage.ts';

test('one user has only so many connections, and one that ends makes room', async () => {
  await using stage = await openProxyStage({ mostOfOneUser: 2 });
  const first = await stage.connect('alice');
  const second = await stage.connect('alice+web');
  const third = await stage.connect('alice');
  await within('one too many is let go', once(third, 'close'));
  expect(stage.log()).toContain('a user has too many connections');
  const ended = once(first, 'close');
  first.end();
  await within('the first has ended', ended);
  const fourth = await stage.connect('alice');
  const [alive, answer] = await within(
    'the fourth is heard',
    new Promise<[boolean, string]>((resolve) => {
      fourth.exec('true', (error) => resolve([true, error?.message ?? '']));
      fourth.once('close', () => resolve([false, '']));
    }),
  );
  expect([alive, answer]).toEqual([true, '']);
  second.end();
});
