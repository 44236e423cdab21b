import { expect, test } from 'vitest';
import { bestOf, type Container } from '../../src/domain/container-engine.ts';

function container(name: string, more: Partial<Container>, second = 0): Container {
  const createdAt = new Date(1_700_000_000_000 + second * 1000);
  return {
    ...{ id: name, name, image: 'x', labels: {}, state: 'running', health: 'none', createdAt },
    ...more,
  };
}

test('the container to land in is the healthiest that runs, of several the newest', () => {
  const well = container('well', { health: 'healthy' });
  const newer = container('newer', { health: 'healthy' }, 1);
  const unchecked = container('unchecked', {}, 5);
  const starting = container('starting', { health: 'starting' }, 6);
  const ill = container('ill', { health: 'unhealthy' }, 7);
  const stopped = container('stopped', { health: 'healthy', state: 'exited' }, 8);
  const all = [stopped, ill, starting, unchecked, newer, well];
  const order: (string | undefined)[] = [];
  for (let left = all; order.length < all.length; ) {
    const best = bestOf(left);
    order.push(best?.name);
    left = left.filter((one) => one !== best);
  }
  expect(order).toEqual(['newer', 'well', 'unchecked', 'starting', 'ill', undefined]);
});

test('of containers of the same moment it is always the same', () => {
  const [b, a] = [container('b', {}), container('a', {})];
  expect([bestOf([a, b]), bestOf([b, a])]).toEqual([a, a]);
});
