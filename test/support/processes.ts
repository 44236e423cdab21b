import { readdirSync, readFileSync } from 'node:fs';

function stat(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

/** False for a zombie too. */
export function running(pid: number): boolean {
  const fields = stat(pid);
  return fields !== null && fields[0] !== 'Z';
}

/** All living processes below this one, nearest first. */
export function descendants(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const fields = stat(Number(name));
    if (fields !== null && fields[0] !== 'Z') parents.set(Number(name), Number(fields[1]));
  }
  const found = [root];
  for (const parent of found) {
    for (const [pid, above] of parents) if (above === parent) found.push(pid);
  }
  return found.slice(1);
}

/** Resident bytes of one process, without what it shares as files (RssAnon). */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) * 1024;
}

/** Ticks of a hundredth of a second that a process has used of the processor. */
export function processorTime(pid: number): number {
  const fields = stat(pid);
  return Number(fields?.[11]) + Number(fields?.[12]);
}

/** Silent when it is gone. */
export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // ESRCH
  }
}

/** All that have this path, or one below it, among their arguments. */
export function programsOf(path: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
        .split('\0')
        .some((word) => word === path || word.startsWith(`${path}/`));
    } catch {
      return false;
    }
  });
}
