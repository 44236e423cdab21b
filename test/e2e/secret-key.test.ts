import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MAIN } from '../support/bastion.ts';
import { needs } from '../support/requirements.ts';
import { type Finished, run } from '../support/run.ts';
import { openStage, type Stage } from '../support/stage.ts';

needs('ssh', 'sshd').describe('postern secret-key rotate', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  /** Killed after `killedAfter` milliseconds where that is given. */
  function rotate(killedAfter?: number): Promise<Finished> {
    const { settings, dataDir } = stage.bastion;
    const command = [process.execPath, MAIN, 'secret-key', 'rotate'];
    const [program = '', ...args] =
      killedAfter === undefined
        ? command
        : ['timeout', '--signal=KILL', `${killedAfter / 1000}`, ...command];
    return run(program, args, { cwd: join(dataDir, '..'), env: settings });
  }

  test('is refused while the server runs', async () => {
    const done = await rotate();
    expect(done.status).toBe(1);
    expect(done.stderr).toMatch(/is in use by (another postern|running nodes)/);
    expect(await stage.alice.ssh('alice+web1', 'exit 3')).toMatchObject({ status: 3 });
  });

  test('killed at any moment it leaves every machine within reach, and is finished by the next', async () => {
    const file = join(stage.bastion.dataDir, 'secret-key');
    const old = readFileSync(file, 'utf8');
    await stage.bastion.stop();
    for (const after of [300, 700, 1000, 1400]) await rotate(after);
    await stage.bastion.start();
    expect(await stage.alice.ssh('alice+web1', 'exit 3')).toMatchObject({ status: 3 });
    await stage.bastion.stop();
    const done = await rotate();
    expect(done).toMatchObject({ status: 0, stderr: '' });
    expect(done.stdout.toString()).toContain('3 stored secrets encrypted under a new key');
    expect(readFileSync(file, 'utf8')).not.toBe(old);
    expect(existsSync(`${file}.new`)).toBe(false);
    await stage.bastion.start();
    expect(await stage.alice.ssh('alice+web1', 'exit 3')).toMatchObject({ status: 3 });
  });
});
