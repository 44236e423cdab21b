import { PassThrough } from 'node:stream';
import { ReadStream } from 'node:tty';
import { type IPty, spawn } from '@lydell/node-pty';
import type { ExitInfo } from '../ssh/channel.ts';
import { hangUpGroup, signalGroup, signalName } from './process-group.ts';
import type { Launch, Program } from './program.ts';

export interface Terminal {
  readonly term: string;
  readonly cols: number;
  readonly rows: number;
}

/** Between two looks at a program whose output nobody takes, in milliseconds. */
const LOOK_MS = 50;

/**
 * The stream under node-pty's terminal. Its own `write` takes text alone and says nothing of
 * back-pressure, and keystrokes are bytes.
 */
function streamOf(pty: IPty): ReadStream {
  const stream: unknown = Reflect.get(pty, '_socket');
  if (!(stream instanceof ReadStream)) throw new Error('node-pty has no stream inside');
  return stream;
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/**
 * The terminal's output. node-pty closes its stream 200 ms after the program's end, read or not, so
 * from that end on everything is taken at once; the kernel bounds what can be left.
 */
function outputOf(stream: ReadStream, pid: number): PassThrough {
  const output = new PassThrough();
  const look = setInterval(() => {
    if (stream.isPaused() && !alive(pid)) stream.resume();
  }, LOOK_MS);
  stream.on('data', (chunk: Buffer) => {
    if (output.destroyed || output.write(chunk)) return;
    if (alive(pid)) stream.pause();
  });
  output.on('drain', () => stream.resume());
  stream.once('close', () => {
    clearInterval(look);
    output.end();
  });
  return output;
}

function exited(pty: IPty, output: PassThrough): Promise<ExitInfo> {
  const read = new Promise<void>((resolve) => {
    output.once('close', resolve);
  });
  return new Promise((resolve) => {
    pty.onExit(({ exitCode, signal }) => {
      const exit =
        signal === undefined || signal === 0
          ? { status: exitCode }
          : { signal: signalName(signal), coreDumped: false, message: '' };
      void read.then(() => resolve(exit));
    });
  });
}

/** Starts a command, or a login shell, on a terminal of its own. */
export function startOnTerminal(launch: Launch, terminal: Terminal): Program {
  const pty = spawn(launch.shell, launch.command === null ? ['-l'] : ['-c', launch.command], {
    name: terminal.term,
    cols: terminal.cols,
    rows: terminal.rows,
    cwd: launch.home,
    env: { ...launch.env },
    encoding: null,
  });
  const stream = streamOf(pty);
  // node-pty throws what is not EIO when it is the only one that listens.
  stream.on('error', () => undefined);
  const output = outputOf(stream, pty.pid);
  return {
    pid: pty.pid,
    stdin: stream,
    stdout: output,
    stderr: null,
    exited: exited(pty, output),
    resize: (cols, rows) => {
      if (!stream.destroyed) pty.resize(cols, rows);
    },
    signal: (name) => signalGroup(pty.pid, name),
    hangUp: () => {
      // Closing the terminal makes the kernel send HUP to the foreground job as well.
      stream.destroy();
      output.destroy();
      hangUpGroup(pty.pid);
    },
  };
}
