import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { processorTime, residentBytes } from '../support/processes.ts';
import { needs } from '../support/requirements.ts';
import { openStage, type Stage } from '../support/stage.ts';

const MB = 1024 * 1024;

needs('ssh', 'sshd').describe('the memory of the bastion', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  /** Over all its processes. */
  const total = (measure: (pid: number) => number): number =>
    stage.bastion.family.reduce((sum, pid) => sum + measure(pid), 0);

  /** The most that it holds until it has nothing to do any more. */
  async function peakUntilIdle(): Promise<number> {
    let peak = 0;
    let idleLooks = 0;
    let before = total(processorTime);
    await eventually(
      'the bastion is idle',
      () => {
        peak = Math.max(peak, total(residentBytes));
        const now = total(processorTime);
        idleLooks = now - before <= 1 ? idleLooks + 1 : 0;
        before = now;
        return idleLooks > 40;
      },
      40_000,
    );
    return peak;
  }

  /** The most that it holds while the user of `machine` reads nothing of 500 MB. */
  async function peakUnread(machine: string): Promise<number> {
    const { alice, bastion } = stage;
    const child = alice.spawn(`alice+${machine}`, 'head -c 500M /dev/zero');
    child.stdout?.pause();
    const peak = await peakUntilIdle();
    child.kill('SIGKILL');
    await bastion.lastEnded();
    return peak;
  }

  test.each(['web1', 'exec1'])(
    'stays bounded when the user of %s does not read',
    async (machine) => {
      // Once over, so that what every first transfer needs is there.
      await stage.alice.ssh(`alice+${machine}`, 'head -c 100M /dev/zero', { hashOnly: true });
      await peakUnread(machine);
      const before = total(residentBytes);
      const peak = await peakUnread(machine);
      expect((peak - before) / MB).toBeLessThan(64);
    },
  );

  test('stays bounded when the machine does not read', async () => {
    const { alice, bastion } = stage;
    const before = total(residentBytes);
    const child = alice.spawn('alice+web1', 'exec sleep 1000');
    const block = Buffer.alloc(MB);
    let sent = 0;
    const feed = (): void => {
      while (sent < 500 && child.stdin?.write(block)) sent += 1;
    };
    child.stdin?.on('drain', feed);
    child.stdin?.on('error', () => undefined);
    feed();
    const peak = await peakUntilIdle();
    child.kill('SIGKILL');
    await bastion.lastEnded();
    expect((peak - before) / MB).toBeLessThan(64);
  });
});
