import { expect, test } from 'vitest';
import type { EndPrograms, EnteredContainer } from '../../src/domain/entered-container.ts';
import type { Upstream } from '../../src/domain/upstream.ts';
import { Engines } from '../../src/engine/engine.ts';
import { KubeClusters } from '../../src/kube/clusters.ts';
import { leftProgramsEnder } from '../../src/targets/left-programs.ts';
import type { TestDocker } from '../support/docker.ts';
import { eventually, within } from '../support/eventually.ts';

interface Subject {
  readonly connect: () => Promise<Upstream>;
  /** Whether a `sleep` with this among its arguments runs there. */
  readonly runs: (word: string) => Promise<boolean>;
}

interface Where {
  /** What was noted of the session that last began a program. */
  readonly noted: () => EnteredContainer | undefined;
  readonly end: EndPrograms;
}

interface Paused extends Where {
  readonly docker: () => TestDocker;
  readonly name: string;
}

/** What ends programs in containers of engines. */
export function newEnder(): EndPrograms {
  const engines = new Engines({ certificates: null });
  return leftProgramsEnder({ engines, clusters: new KubeClusters({ kubeconfig: null }) });
}

async function run(upstream: Upstream, command: string) {
  const program = { type: 'exec', command } as const;
  const channel = await upstream.open({ program, ...{ pty: null, env: [] } });
  channel.stdout.resume();
  channel.stderr.resume();
  return channel;
}

function must(noted: EnteredContainer | undefined): EnteredContainer {
  if (noted === undefined) throw new Error('nothing was noted');
  return noted;
}

/** What sessions leave in a container is ended by what was noted of them. */
export function leavesNothing(subject: () => Subject, { noted, end }: Where): void {
  test('all programs of a session are found by what was noted, and no others', async () => {
    const at = subject();
    const upstream = await at.connect();
    await run(upstream, 'exec sleep 9960001');
    await run(upstream, "trap '' HUP; (sleep 9960002); :");
    const mine = must(noted());
    const other = await at.connect();
    await run(other, 'exec sleep 9960003');
    const runs = (...words: string[]) => Promise.all(words.map((word) => at.runs(word)));
    await eventually('all run', async () =>
      (await runs('9960001', '9960002', '9960003')).every(Boolean),
    );
    expect(await within('they are told', end(mine))).toBe('ended');
    await eventually('both are gone', async () =>
      (await runs('9960001', '9960002')).every((one) => !one),
    );
    expect(await within('it looks', end(mine))).toBe('none');
    expect(await at.runs('9960003')).toBe(true);
    expect(await end({ ...mine, containerId: 'f'.repeat(64) })).toBe('gone');
    upstream.close();
    other.close();
  });

  test('what a program made independent goes on when the program has ended', async () => {
    const at = subject();
    const upstream = await at.connect();
    const command = 'setsid sleep 9960004 < /dev/null > /dev/null 2>&1 & exit 0';
    const channel = await run(upstream, command);
    expect(await within('the exit', channel.exited)).toEqual({ type: 'code', code: 0 });
    await eventually('it runs', () => at.runs('9960004'));
    expect(await within('it looks', end(must(noted())))).toBe('none');
    expect(await at.runs('9960004')).toBe(true);
    upstream.close();
  });

  test('a program that begins while its session ends is ended', async () => {
    const at = subject();
    const upstream = await at.connect();
    const begun = run(upstream, 'exec sleep 9960006');
    upstream.close();
    const channel = await within('it begins', begun);
    await within('the channel ends', channel.exited);
    await eventually('it is gone', async () => !(await at.runs('9960006')));
  });
}

/** An engine can keep a container from taking programs; a cluster cannot. */
export function waitsForPaused(subject: () => Subject, { docker, name, noted, end }: Paused): void {
  test('what cannot be told, for its container is paused, is not forgotten', async () => {
    const at = subject();
    const upstream = await at.connect();
    const channel = await run(upstream, 'exec sleep 9960005');
    const mine = must(noted());
    await eventually('it runs', () => at.runs('9960005'));
    await docker().cli('pause', name);
    try {
      channel.close();
      await within('the channel ends', channel.exited);
      await expect(end(mine)).rejects.toMatchObject({ code: 'engine.not_running' });
    } finally {
      await docker().cli('unpause', name);
    }
    expect(await within('it is told', end(mine))).toBe('ended');
    await eventually('it is gone', async () => !(await at.runs('9960005')));
    upstream.close();
  });
}
