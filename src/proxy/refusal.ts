import type { ServerChannel } from 'ssh2';
import type { SshExit } from '../domain/error-entry.ts';
import { CATALOGUE, PosternError } from '../domain/errors.ts';
import { printable } from '../domain/log.ts';
import { scpCommand } from '../domain/scp-command.ts';
import type { EndReason } from '../domain/session.ts';
import type { Program } from '../domain/terminal.ts';
import {
  closeChannel,
  type ExitInfo,
  finishChannel,
  sendExitSignal,
  sendExitStatus,
} from '../ssh/channel.ts';

/** What a user is told when Postern itself ends a channel, and the status that `ssh` exits with. */
export interface Refusal {
  readonly text: string;
  readonly exit: SshExit;
  /** True: the client speaks scp's old protocol, and is told in it. */
  readonly scp?: true;
}

/** How long a user's client may take to read the last line, in milliseconds. */
const LAST_LINE_MS = 2000;

/** The refusal for anything thrown: the catalogue's sentence, and of other errors nothing. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof PosternError) {
    return { text: printable(error.message, 1000), exit: CATALOGUE[error.code].exit };
  }
  return { text: CATALOGUE.internal.text, exit: CATALOGUE.internal.exit };
}

/** As refusalOf; a program of scp's that may not copy this way is refused in its own protocol. */
export function refusalTo(program: Program, error: unknown): Refusal {
  const refusal = refusalOf(error);
  const direction = scpCommand(program)?.direction;
  const isItsOwn =
    error instanceof PosternError &&
    error.code === 'access.capability' &&
    direction !== undefined &&
    error.params['capability'] === direction;
  return isItsOwn ? { ...refusal, scp: true } : refusal;
}

/** Why a session that could not be begun, or not be kept, ended. */
export function endReasonOf(error: unknown): EndReason {
  if (!(error instanceof PosternError)) return 'internal_error';
  switch (error.code) {
    case 'machine.unreachable':
      return 'machine_unreachable';
    case 'machine.auth':
    case 'machine.certificate':
    case 'machine.agent':
    case 'machine.agent_silent':
    case 'machine.no_agent':
      return 'machine_auth_failed';
    case 'machine.host_key':
    case 'machine.host_key_unknown':
      return 'host_key_changed';
    case 'machine.refused':
    case 'machine.lost':
    case 'machine.stopped':
      return 'machine_lost';
    case 'recording.refused':
    case 'recording.no_room':
    case 'recording.broke':
      return 'recording_failed';
    default:
      return 'internal_error';
  }
}

/**
 * Writes the reason to stderr as one line that begins with `postern:` (on a terminal on a line of
 * its own), then ends the channel with the exit status; scp hears it as an error of its protocol, with
 * status 1. Settles as `finishSoon` does.
 */
export async function refuse(
  channel: ServerChannel,
  refusal: Refusal,
  terminal: boolean,
): Promise<void> {
  channel.resume();
  if (refusal.scp === true && !terminal) {
    channel.write(`\x01scp: ${refusal.text}\n`);
    await finishSoon(channel, { status: 1 });
    return;
  }
  const line = terminal ? `\r\npostern: ${refusal.text}\r\n` : `postern: ${refusal.text}\n`;
  channel.stderr.write(line);
  await finishSoon(channel, { status: refusal.exit });
}

/** Tells a user under a terminal something of the catalogue, on a line of its own; nothing ends. */
export function notify(stderr: NodeJS.WritableStream, text: string): void {
  if (stderr.writable) stderr.write(notice(text));
}

/** The line that `notify` writes. */
export function notice(text: string): string {
  return `\r\npostern: ${printable(text, 1000)}\r\n`;
}

/**
 * Ends a channel whose client may not read any more: as `finishChannel` does, but at most after
 * LAST_LINE_MS; what was not taken by then is dropped.
 */
export async function finishSoon(channel: ServerChannel, exit?: ExitInfo): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LAST_LINE_MS);
  });
  await Promise.race([finishChannel(channel, exit), late]);
  clearTimeout(timer);
  // Silent where all went well: then CLOSE is out.
  if (exit !== undefined && 'status' in exit) sendExitStatus(channel, exit.status);
  else if (exit !== undefined) sendExitSignal(channel, exit);
  closeChannel(channel);
}
