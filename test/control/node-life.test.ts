import { expect, test } from 'vitest';
import { NodeLife } from '../../src/control/node-life.ts';
import { eventually, within } from '../support/eventually.ts';
import { openControlStage } from './stage.ts';

test('a process keeps its name, gives it back, and no other may have it meanwhile', async () => {
  await using stage = await openControlStage();
  const { nodes } = stage.at.store;
  const deps = { node: 'node-b', nodes, log: stage.log };
  const [first, second, third] = [new NodeLife(deps), new NodeLife(deps), new NodeLife(deps)];
  await first.begin();
  await expect(second.begin()).rejects.toThrow('another postern runs as this node, node-b');
  await first.end();
  const before = performance.now();
  await third.begin();
  expect(performance.now() - before).toBeLessThan(2500);
  await third.end();
  expect(await nodes.signs()).toEqual(new Map());
});

test('a process that was taken for dead is back under its name, or says that it lost it', async () => {
  await using stage = await openControlStage();
  const { nodes } = stage.at.store;
  const life = new NodeLife({ node: 'node-b', nodes, log: stage.log });
  await life.begin();
  const sign = await eventually('its sign', async () => (await nodes.signs()).get('node-b'));
  // It may give another one in between.
  await eventually('it is buried', async () => {
    return await nodes.bury('node-b', (await nodes.signs()).get('node-b') ?? sign);
  });
  await eventually('it is back', async () => (await nodes.signs()).has('node-b'));
  await eventually('it is buried, and its name taken', async () => {
    await nodes.bury('node-b', (await nodes.signs()).get('node-b') ?? null);
    return await nodes.claim('node-b', 'another');
  });
  expect(await within('it says so', life.failed)).toContain('another process runs as this node');
  await life.end();
  expect(await nodes.beat('node-b', 'another')).toBe(true);
});
