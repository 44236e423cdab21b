import { PassThrough } from 'node:stream';
import type { ReadStream } from 'node:tty';
import { type IPty, spawn } from '@lydell/node-pty';
import type { ExitInfo } from '../ssh/channel.ts';
import { hangUpGroup, signalGroup, signalName } from './process-group.ts';
import type { Launch, Program } from './program.ts';
import { readToTheEnd, streamOf } from './pty-stream.ts';

export interface Terminal {
  readonly term: string;
  readonly cols: number;
  readonly rows: number;
}

/** The terminal's output; it is unbounded at the end alone, by what the kernel holds. */
function outputOf(stream: ReadStream): PassThrough {
  const output = new PassThrough();
  const destroy = stream.destroy.bind(stream);
  let ended = false;
  readToTheEnd(stream, () => {
    ended = true;
    // Nobody wants it.
    if (output.destroyed) destroy();
  });
  stream.on('data', (chunk: Buffer) => {
    if (!output.destroyed && !output.write(chunk) && !ended) stream.pause();
  });
  output.on('drain', () => stream.resume());
  stream.once('close', () => output.end());
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
  const output = outputOf(stream);
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
      output.destroy();
      stream.destroy();
      hangUpGroup(pty.pid);
    },
  };
}
