import { setTimeout as pause } from 'node:timers/promises';
import type { ContainerLife, RunningContainer } from '../domain/running-container.ts';
import type { ContainerPrograms } from './container-program.ts';

/** How long a program may take that does nothing, in milliseconds. */
const NOTHING_MS = 5000;

/** How long after its programs an engine may say that a container has ended, in milliseconds. */
const ENDING_MS = 5000;

/** Between two looks, in milliseconds. */
const LOOK_MS = 100;

/**
 * What has become of a container one of whose programs was killed. The end of a program is known a little
 * before that of its container; but one that takes no programs may also have no room for more, and runs.
 */
export async function lifeAfter(
  container: RunningContainer,
  programs: ContainerPrograms,
): Promise<ContainerLife> {
  const life = await container.life();
  if (life !== 'running') return life;
  const until = (await takesPrograms(container, programs)) ? 0 : performance.now() + ENDING_MS;
  for (;;) {
    const now = await container.life();
    if (now !== 'running' || performance.now() >= until) return now;
    await pause(LOOK_MS);
  }
}

/** Whether a program still runs to its end: in a container that is about to end none does. */
async function takesPrograms(
  container: RunningContainer,
  programs: ContainerPrograms,
): Promise<boolean> {
  try {
    return (await runNothing(container, await programs.plainShell())) === 0;
  } catch {
    return false;
  }
}

/** The status of a shell that does nothing; null: it has not ended in time. Rejects as `exec` does. */
export async function runNothing(
  container: RunningContainer,
  shell: string,
): Promise<number | null> {
  const exec = await container.exec({ command: [shell, '-c', ':'], env: [], terminal: null });
  exec.stdout.resume();
  exec.stderr.resume();
  const timer = setTimeout(() => exec.close(), NOTHING_MS);
  const code = await exec.exited;
  clearTimeout(timer);
  exec.close();
  return code;
}
