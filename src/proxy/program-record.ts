import { printable } from '../domain/log.ts';
import type { ChannelEnd, ChannelKind, SessionKind } from '../domain/session.ts';
import { type ExitStatus, exitNumber, type Program } from '../domain/terminal.ts';
import type { UpstreamRequest } from '../domain/upstream.ts';
import type { ExitInfo } from '../ssh/channel.ts';
import type { PipeCounts } from './pipe.ts';

/** What the record says of a program: its kind. */
export function channelKind(request: UpstreamRequest): ChannelKind {
  const { program } = request;
  if (program.type !== 'subsystem') return program.type;
  return program.name === 'sftp' ? 'sftp' : 'subsystem';
}

/** Of the session that it begins. */
export function sessionKind(request: UpstreamRequest): SessionKind {
  const kind = channelKind(request);
  return kind === 'subsystem' ? 'exec' : kind;
}

/** And what else; a shell and sftp are their kind. */
export function commandOf(program: Program): string | null {
  if (program.type === 'exec') return program.command;
  return program.type === 'subsystem' && program.name !== 'sftp' ? printable(program.name) : null;
}

/** How it ended, now; null: nobody said how. */
export function endOf(exit: ExitStatus | null, counts: PipeCounts): ChannelEnd {
  return {
    endedAt: new Date(),
    exitStatus: exit === null ? null : exitNumber(exit),
    exitSignal: exit?.type === 'signal' ? exit.signal : null,
    ...counts,
  };
}

/** The same for the user's client. */
export function exitInfoOf(exit: ExitStatus): ExitInfo {
  return exit.type === 'code' ? { status: exit.code } : exit;
}
