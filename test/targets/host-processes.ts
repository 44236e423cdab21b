import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EnteredContainer } from '../../src/domain/entered-container.ts';
import type { TestDocker } from '../support/docker.ts';
import { eventually, within } from '../support/eventually.ts';
import { kill, running } from '../support/processes.ts';
import { enter } from './container-subject.ts';
import { newEnder } from './left-in-containers.ts';

/** `docker run --pid=host`: what ends a program there could reach every process of the machine. */
export function endsItsOwnAlone(docker: () => TestDocker, kind: 'small' | 'large'): void {
  const name = `seeing-${kind}`;
  let strangers: readonly ChildProcess[] = [];
  const entered: EnteredContainer[] = [];
  beforeAll(async () => {
    const image = kind === 'small' ? 'busybox' : 'debian';
    await docker().run(name, { image, more: ['--pid', 'host'] });
    await docker().run(`other-${name}`, { image, more: ['--pid', 'host'] });
    const named = "printf 'x) S 1\\n1' > /proc/$$/comm; sleep 9970000; :";
    strangers = [
      spawn('sleep', ['9970000'], { detached: true, stdio: 'ignore' }),
      spawn('sleep', ['9970000'], { stdio: 'ignore' }),
      spawn('sh', ['-c', named], { detached: true, stdio: 'ignore' }),
    ];
  });
  afterAll(() => {
    for (const { pid, spawnfile } of strangers) {
      if (pid !== undefined) kill(spawnfile === 'sh' ? -pid : pid, 'SIGKILL');
    }
  });

  const sleeps = async (of: string, word: string): Promise<boolean> =>
    (await docker().processes(of)).some((line) => line === `sleep ${word}`);
  async function begin(of: string, command: string, pty: boolean) {
    const upstream = await enter(docker(), { name: of }, { onEntered: (one) => entered.push(one) });
    const window = { cols: 80, rows: 24, width: 0, height: 0 };
    const channel = await upstream.open({
      program: { type: 'exec', command },
      ...{ pty: pty ? { term: 'vt100', window, modes: Buffer.alloc(0) } : null, env: [] },
    });
    channel.stdout.resume();
    channel.stderr.resume();
    return { upstream, channel };
  }

  test.each([
    ['without a terminal', false],
    ['with one', true],
  ])('%s', async (_what, pty) => {
    const mine = await begin(name, 'sleep 9970001 & exec sleep 9970002', pty);
    const other = await begin(`other-${name}`, 'exec sleep 9970003', pty);
    await eventually('all run', async () => {
      const all = [sleeps(name, '9970001'), sleeps(name, '9970002')];
      return (await Promise.all([...all, sleeps(`other-${name}`, '9970003')])).every(Boolean);
    });
    mine.channel.close();
    await within('the channel ends', mine.channel.exited);
    await eventually('they are gone', async () => {
      const all = await Promise.all([sleeps(name, '9970001'), sleeps(name, '9970002')]);
      return !all.some(Boolean);
    });
    expect(await sleeps(`other-${name}`, '9970003')).toBe(true);
    expect(strangers.map(({ pid }) => running(pid ?? 0))).toEqual([true, true, true]);
    mine.upstream.close();
    other.upstream.close();
  });

  test('one that has taken a name of several lines', async () => {
    const named = `printf 'x) S 1\\n1' > /proc/$$/comm; sleep 9970004; :`;
    const { channel, upstream } = await begin(name, named, false);
    await eventually('it runs', () => sleeps(name, '9970004'));
    channel.close();
    await within('the channel ends', channel.exited);
    await eventually('it is gone', async () => !(await sleeps(name, '9970004')));
    expect(strangers.map(({ pid }) => running(pid ?? 0))).toEqual([true, true, true]);
    upstream.close();
  });

  test('what made itself independent, for nobody can tell it from a program', async () => {
    const command = 'setsid sleep 9970005 < /dev/null > /dev/null 2>&1 & exit 0';
    const { channel, upstream } = await begin(name, command, false);
    expect(await within('the exit', channel.exited)).toEqual({ type: 'code', code: 0 });
    await eventually('it runs', () => sleeps(name, '9970005'));
    const noted = entered.at(-1);
    if (noted === undefined) throw new Error('nothing was noted');
    expect(await within('it is told', newEnder()(noted))).toBe('ended');
    await eventually('it is gone', async () => !(await sleeps(name, '9970005')));
    upstream.close();
  });
}
