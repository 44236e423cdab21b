import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Logger, reasonOf } from '../domain/log.ts';

/** Milliseconds for workers of an earlier life to leave by themselves, and after SIGKILL. */
const PATIENCE_MS = 3000;

const LOOK_MS = 20;

/** Of one data directory, whatever its path is today. */
function prefix(dataDir: string): string {
  const { dev, ino } = statSync(dataDir);
  return `postern-worker-${dev}-${ino}-`;
}

/**
 * Lets a later start find this worker, should it outlive its control process: an abstract unix
 * socket whose name says the data directory and both processes. The kernel removes it with the
 * process, so that a name is never about another one. Linux alone has these.
 */
export async function markWorker(dataDir: string): Promise<void> {
  if (process.platform !== 'linux') return;
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(`\0${prefix(dataDir)}${process.ppid}-${process.pid}`, resolve);
  });
  server.unref();
}

/**
 * Workers that mark themselves for this data directory and whose control process is gone. Anybody on
 * this machine can choose such a name, so the process must be seen to hold the socket.
 */
function orphans(dataDir: string): readonly number[] {
  // The inode is the column before the name.
  const pattern = new RegExp(`([0-9]+) @${prefix(dataDir)}([0-9]+)-([0-9]+)`, 'g');
  const marks = readFileSync('/proc/net/unix', 'latin1').matchAll(pattern);
  return [...marks]
    .map(([, inode, control, pid]) => ({ inode, control: Number(control), pid: Number(pid) }))
    .filter(({ inode, pid }) => holds(pid, `socket:[${inode}]`))
    .filter(({ control, pid }) => parentOf(pid) !== control)
    .map(({ pid }) => pid);
}

/** False as well where we may not look. */
function holds(pid: number, socket: string): boolean {
  const files = `/proc/${pid}/fd`;
  try {
    return readdirSync(files).some((file) => readlinkSync(`${files}/${file}`) === socket);
  } catch {
    return false;
  }
}

function parentOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // After the name, which may hold anything: state, parent.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null;
  }
}

/**
 * Before the sessions of an earlier life are swept and its recordings repaired: waits until its
 * workers, which leave when their control process dies, have left; ends those that hang. Does not
 * touch workers whose control process lives. Never rejects.
 */
export async function endEarlierWorkers(
  dataDir: string,
  log: Logger,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  if (process.platform !== 'linux') return;
  try {
    if (await left(dataDir, patienceMs)) return;
    for (const pid of orphans(dataDir)) {
      log.warn('a worker of an earlier life hangs; it is ended', { pid });
      process.kill(pid, 'SIGKILL');
    }
    if (!(await left(dataDir, patienceMs))) log.error('workers of an earlier life are still here');
  } catch (error) {
    log.warn('workers of an earlier life could not be looked for', { reason: reasonOf(error) });
  }
}

async function left(dataDir: string, patienceMs: number): Promise<boolean> {
  const end = performance.now() + patienceMs;
  while (orphans(dataDir).length > 0) {
    if (performance.now() > end) return false;
    await delay(LOOK_MS);
  }
  return true;
}
