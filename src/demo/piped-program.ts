import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { ExitInfo } from '../ssh/channel.ts';
import { hangUpGroup, signalGroup, signalName } from './process-group.ts';
import type { Launch, Program } from './program.ts';

/** How `exit-status` and `exit-signal` say it; a program that could not start is 127, as in sh. */
function exitInfo(code: number | null, signal: NodeJS.Signals | null): ExitInfo {
  if (signal !== null) return { signal: signalName(signal), coreDumped: false, message: '' };
  return { status: code ?? 127 };
}

function exited(child: ChildProcessWithoutNullStreams): Promise<ExitInfo> {
  return new Promise((resolve) => {
    child.once('close', (code, signal) => resolve(exitInfo(code, signal)));
  });
}

/** Starts a command without a terminal: stdin, stdout and stderr are three pipes. */
export function startPiped(launch: Launch): Program {
  const args = launch.command === null ? ['-l'] : ['-c', launch.command];
  const child = spawn(launch.shell, args, {
    cwd: launch.home,
    env: launch.env,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // Without a pid it did not start; Node then says 'error', and 'close' after it.
  child.once('error', () => undefined);
  const pid = child.pid ?? null;
  return {
    pid,
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    exited: exited(child),
    resize: () => undefined,
    signal: (name) => {
      if (pid !== null) signalGroup(pid, name);
    },
    hangUp: () => {
      if (pid !== null) hangUpGroup(pid);
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
    },
  };
}
