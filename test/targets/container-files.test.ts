import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { ContainerExec } from '../../src/domain/container-engine.ts';
import { ToolShell } from '../../src/sftp/tool-shell.ts';
import { ContainerFiles } from '../../src/targets/container-files.ts';
import { Client } from '../sftp/lab.ts';
import { eventually, within } from '../support/eventually.ts';
import { packet, uint32 } from '../transfer/wire.ts';

/** A container in which no program ends: each says that all is well, and waits. */
class Stubborn {
  readonly held = new Set<ContainerExec>();
  begun = 0;

  readonly run = (): Promise<ContainerExec> => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    stdout.write('ok\0/\0\0');
    const { promise: exited, resolve } = Promise.withResolvers<number | null>();
    this.begun += 1;
    const exec: ContainerExec = {
      ...{ id: String(this.begun), stdin: new PassThrough().resume(), stdout, stderr, exited },
      resize: () => Promise.resolve(),
      close: () => {
        this.held.delete(exec);
        resolve(null);
      },
    };
    this.held.add(exec);
    return Promise.resolve(exec);
  };
}

test('programs that do not end with their channel are let go', async () => {
  const container = new Stubborn();
  const { run } = container;
  const tools = await ToolShell.begin(run, '/bin/sh');
  if (typeof tools === 'string') throw new Error(tools);
  const containerEnded = () => Promise.resolve(false);
  const files = new ContainerFiles({ run, shell: '/bin/sh', tools, containerEnded }, 50);
  const client = new Client(files);
  const open = await client.open('/one', 2 | 8);
  await client.open('/two', 1);
  // Its program ends when it likes: this is never answered.
  files.stdin.write(packet(4, uint32(100), open));
  await eventually('all of them run', () => container.begun >= 3);
  files.close();
  await eventually('nothing is held', () => container.held.size === 0);
  expect(await within('its end', files.exited)).toBe(null);
});
