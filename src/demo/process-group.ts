import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';

/** From HUP to KILL, in milliseconds. */
const GRACE_MS = 2000;

const SIGNALS: ReadonlyMap<string, number> = new Map(Object.entries(constants.signals));

/** The signal's name without `SIG`, as RFC 4254 section 6.10 has it. */
export function signalName(signal: number | string): string {
  if (typeof signal === 'string') return signal.replace(/^SIG/, '');
  for (const [name, number] of SIGNALS) if (number === signal) return name.replace(/^SIG/, '');
  return String(signal);
}

/** Signals a process group; silent when it is gone. `name` is without `SIG`. */
export function signalGroup(pid: number, name: string): void {
  const signal = SIGNALS.get(`SIG${name}`);
  if (signal === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // ESRCH: nobody is left in it.
  }
}

/** HUP now, KILL to what has not gone by then. */
export function hangUpGroup(pid: number): void {
  signalGroup(pid, 'HUP');
  signalGroup(pid, 'CONT');
  setTimeout(() => signalGroup(pid, 'KILL'), GRACE_MS).unref();
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // It ended while we looked, or is another user's.
  }
}

/** Field 6 of /proc/PID/stat; the name in field 2 may hold spaces and brackets. */
function sessionOf(stat: string): number {
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]);
}

/**
 * Ends at once every process that lives in one of these process sessions or carries `marker` (a
 * whole `NAME=value`) in its environment: a shell's background jobs have their own groups, and
 * daemons (tmux, screen) their own sessions. Where there is no /proc, only the groups themselves.
 */
export function endSessions(sessions: ReadonlySet<number>, marker: string): void {
  for (const pid of sessions) signalGroup(pid, 'KILL');
  let entries: string[] = [];
  try {
    entries = readdirSync('/proc');
  } catch {
    return;
  }
  for (const pid of entries.filter((name) => /^\d+$/.test(name)).map(Number)) {
    if (pid === process.pid) continue;
    const ours =
      sessions.has(sessionOf(read(`/proc/${pid}/stat`))) ||
      read(`/proc/${pid}/environ`).split('\0').includes(marker);
    if (!ours) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended in the meantime.
    }
  }
}
