import { expect, test } from 'vitest';
import { Crowd } from '../../src/domain/crowd.ts';

test('nobody alone takes all places, and those that are left come back once', () => {
  const crowd = new Crowd({ most: 3, mostOfOne: 2 });
  const places = [crowd.enter('one'), crowd.enter('one')];
  expect(crowd.enter('one')).toBeUndefined();
  expect(crowd.enter('two')).toBeDefined();
  expect(crowd.enter('three')).toBeUndefined();
  for (const leave of [places[0], places[0]]) leave?.();
  expect(crowd.enter('three')).toBeDefined();
  expect(crowd.enter('four')).toBeUndefined();
});
