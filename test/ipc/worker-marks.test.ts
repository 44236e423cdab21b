import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { endEarlierWorkers } from '../../src/ipc/worker-marks.ts';
import { eventually, within } from '../support/eventually.ts';
import { kill, running } from '../support/processes.ts';
import { scratch } from '../support/scratch.ts';
import { keptLog } from './kept-log.ts';

const CHILD = fileURLToPath(new URL('./mark-child.ts', import.meta.url));

/** Ends it and waits until it is gone: a later directory may get this one's inode, and so its mark. */
async function end(pid: number): Promise<void> {
  kill(pid, 'SIGKILL');
  await eventually('it is gone', () => !running(pid));
}

/** A process that marks itself for `dir`, below a shell that stands for its control process. */
async function marked(dir: string): Promise<{ control: number; worker: number }> {
  const script = 'trap : TERM; "$0" "$1" "$2" & wait; exit 0';
  const shell = spawn('sh', ['-c', script, process.execPath, CHILD, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = await within('the mark', once(shell.stdout, 'data'));
  return { control: shell.pid ?? 0, worker: Number(String(said)) };
}

test('a worker whose control process died is waited for, and ended when it hangs', async () => {
  using files = scratch();
  using others = scratch();
  const { control, worker } = await marked(files.path);
  const kept = keptLog();
  try {
    kill(worker, 'SIGSTOP');
    kill(control, 'SIGKILL');
    await eventually('its parent is gone', () => !running(control));
    await endEarlierWorkers(others.path, kept.log, 0);
    expect(running(worker)).toBe(true);
    await endEarlierWorkers(files.path, kept.log, 200);
    // Its mark goes a moment before the process itself.
    await eventually('it is gone', () => !running(worker));
    expect(kept.text()).toContain('hangs; it is ended');
  } finally {
    await end(worker);
  }
});

test('a worker that leaves by itself is waited for', async () => {
  using files = scratch();
  const { control, worker } = await marked(files.path);
  const kept = keptLog();
  try {
    kill(control, 'SIGKILL');
    await eventually('its parent is gone', () => !running(control));
    const gone = endEarlierWorkers(files.path, kept.log, 10_000);
    kill(worker, 'SIGTERM');
    await gone;
    await eventually('it is gone', () => !running(worker));
    expect(kept.text()).toBe('');
  } finally {
    await end(worker);
  }
});

test('a worker of a control process that lives is left alone', async () => {
  using files = scratch();
  const { control, worker } = await marked(files.path);
  const kept = keptLog();
  try {
    await endEarlierWorkers(files.path, kept.log, 0);
    expect(running(worker)).toBe(true);
    expect(kept.text()).toBe('');
  } finally {
    await end(worker);
    await end(control);
  }
});

test('a mark that names a process of somebody else is passed over', async () => {
  using files = scratch();
  const victim = spawn('sleep', ['60']);
  const { dev, ino } = statSync(files.path);
  const forged = createServer();
  const listening = once(forged, 'listening');
  forged.listen(`\0postern-worker-${dev}-${ino}-1-${victim.pid}`);
  await listening;
  const kept = keptLog();
  try {
    await endEarlierWorkers(files.path, kept.log, 0);
    expect(running(victim.pid ?? 0)).toBe(true);
    expect(kept.text()).toBe('');
  } finally {
    forged.close();
    victim.kill('SIGKILL');
  }
});

test('a data directory that is not there is no reason not to start', async () => {
  using files = scratch();
  const kept = keptLog();
  await endEarlierWorkers(files.join('none'), kept.log, 0);
  expect(kept.text()).toContain('could not be looked for');
});
