import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { ContainerExec } from '../../src/domain/container-engine.ts';
import { ContainerChannel } from '../../src/targets/container-channel.ts';
import { within } from '../support/eventually.ts';

function program(exited: Promise<number | null>): ContainerExec {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const resize = (): Promise<void> => Promise.resolve();
  return { id: 'a', ...{ stdin, stdout, stderr, resize, exited }, close: () => undefined };
}

test('a channel ends though its engine never says that the program was told to', async () => {
  const channel = new ContainerChannel(program(Promise.resolve(null)), {
    signal: () => undefined,
    hangUp: () => new Promise(() => undefined),
    containerEnded: () => Promise.resolve(false),
  });
  channel.close();
  expect(await within('the channel ends', channel.exited)).toBeNull();
});
