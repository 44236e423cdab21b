import { printable } from '../domain/log.ts';
import type { ChannelKind } from '../domain/session.ts';
import type { Program } from '../domain/terminal.ts';
import type { UpstreamRequest } from '../domain/upstream.ts';

/** What the record says of a program: its kind. */
export function channelKind(request: UpstreamRequest): ChannelKind {
  const { program } = request;
  if (program.type !== 'subsystem') return program.type;
  return program.name === 'sftp' ? 'sftp' : 'subsystem';
}

/** And what else; a shell and sftp are their kind. */
export function commandOf(program: Program): string | null {
  if (program.type === 'exec') return program.command;
  return program.type === 'subsystem' && program.name !== 'sftp' ? printable(program.name) : null;
}
