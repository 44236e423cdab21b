import type { ServerChannel, Session } from 'ssh2';
import { finishChannel, onEow } from '../ssh/channel.ts';
import { onPty } from '../ssh/pty.ts';
import { startPiped } from './piped-program.ts';
import type { Program } from './program.ts';
import { startOnTerminal, type Terminal } from './pty-program.ts';

export interface SessionOptions {
  readonly shell: string;
  /** Null: there is none, and sftp is refused. */
  readonly sftpServer: string | null;
  readonly home: string;
  /** Before what the client sets. */
  readonly env: Readonly<Record<string, string>>;
  started(program: Program): void;
  ended(program: Program): void;
  /** A program could not be started, or its channel broke. */
  failed(error: unknown): void;
}

/** What a client may set, as Debian's sshd_config has it. */
const ACCEPTED_ENV = /^(?:LANG|LC_[A-Z]+)$/;

/** Ties a running program to its channel, until both have ended. */
async function run(program: Program, channel: ServerChannel): Promise<void> {
  let gone = false;
  channel.on('error', () => undefined);
  channel.once('close', () => {
    gone = true;
    program.hangUp();
  });
  // A program that has closed its stdin still runs: the rest of the input is thrown away.
  program.stdin.on('error', () => undefined);
  program.stdin.once('close', () => {
    channel.unpipe(program.stdin);
    channel.resume();
  });
  channel.on('end', () => {
    // A terminal has no end of file to pass on: its input is its output.
    if (program.stderr !== null) program.stdin.end();
  });
  channel.pipe(program.stdin, { end: false });
  program.stdout.pipe(channel, { end: false });
  program.stderr?.pipe(channel.stderr, { end: false });
  if (program.stderr !== null) onEow(channel, () => program.stdout.destroy());
  const exit = await program.exited;
  if (!gone) await finishChannel(channel, exit);
}

/** Serves one session channel: whatever is asked of it before its one program, and that program. */
export function serveSession(session: Session, options: SessionOptions): void {
  const env: Record<string, string> = { ...options.env };
  let terminal: Terminal | null = null;
  let program: Program | null = null;

  const start = (accept: () => ServerChannel, reject: () => void, command: string | null): void => {
    if (program !== null) {
      reject();
      return;
    }
    const launch = { command, shell: options.shell, home: options.home, env };
    let begun: Program;
    try {
      begun = terminal ? startOnTerminal(launch, terminal) : startPiped(launch);
    } catch (error) {
      options.failed(error);
      reject();
      return;
    }
    program = begun;
    options.started(begun);
    run(begun, accept())
      .catch(options.failed)
      .finally(() => options.ended(begun));
  };

  session.on('env', (accept, reject, info) => {
    if (!ACCEPTED_ENV.test(info.key) || info.val.includes('\0')) return reject?.();
    env[info.key] = info.val;
    accept?.();
  });
  onPty(session, (accept, _reject, info) => {
    terminal = { term: info.term, cols: info.cols, rows: info.rows };
    accept();
  });
  session.on('window-change', (accept, _reject, info) => {
    program?.resize(info.cols, info.rows);
    accept?.();
  });
  session.on('signal', (accept, _reject, info) => {
    program?.signal(info.name.replace(/^SIG/, ''));
    accept?.();
  });
  session.on('shell', (accept, reject) => start(accept, reject, null));
  session.on('exec', (accept, reject, info) => start(accept, reject, info.command));
  session.on('subsystem', (accept, reject, info) => {
    if (info.name !== 'sftp' || options.sftpServer === null) return reject();
    start(accept, reject, `exec ${options.sftpServer}`);
  });
}
