import { PosternError } from '../domain/errors.ts';
import { reasonOf } from '../domain/log.ts';
import type { ExitStatus } from '../domain/terminal.ts';
import type { TransferWatch } from '../domain/transfer.ts';
import type { UpstreamChannel, UpstreamRequest } from '../domain/upstream.ts';
import { RestrictedChannel } from './restricted.ts';
import type { GatewaySession } from './session.ts';

/** Audit events of refused requests that one channel may cause. */
const MOST_DENIALS = 20;

/** Follows what a channel does with files; null: it carries none that can be read. */
export function watchTransfers(
  session: GatewaySession,
  channel: number,
  request: UpstreamRequest,
): TransferWatch | null {
  // A terminal changes line ends on the way.
  if (request.pty !== null) return null;
  const { control, observer } = session.deps;
  return observer.watch(request.program, (first, events) => {
    session.timeline.transferred(channel, events);
    return control.noteTransfers({ sessionId: session.id, channel, first, events });
  });
}

/** The channel has ended: settles when everything was read; then the audit gets the sum of it. */
export async function endTransfers(
  watch: TransferWatch | null,
  session: GatewaySession,
  channel: number,
  exit: ExitStatus | null,
): Promise<void> {
  if (watch === null) return;
  const { protocol, files, changes, bytesRead, bytesWritten, stopped } = await watch.end(exit);
  if (files + changes === 0 && stopped === null) return;
  void session.deps.control.note('transfer.summary', {
    user: session.user,
    userName: session.user.userName,
    machineId: session.route.machine.id,
    sessionId: session.id,
    facts: session.facts,
    detail: {
      channel,
      protocol,
      files,
      changes,
      bytes_read: bytesRead,
      bytes_written: bytesWritten,
      stopped,
    },
  });
}

/** The channel with a filter in it; `end` ends the channel with the reason why. */
export function restrictTransfers(
  session: GatewaySession,
  channel: number,
  up: UpstreamChannel,
  ways: 'upload' | 'download',
  end: (error: PosternError) => Promise<void>,
): UpstreamChannel {
  const { control } = session.deps;
  const { machine } = session.route;
  let denials = 0;
  const denied = (request: string, path: string): void => {
    denials += 1;
    if (denials > MOST_DENIALS) return;
    void control.note('transfer.denied', {
      user: session.user,
      userName: session.user.userName,
      machineId: machine.id,
      sessionId: session.id,
      facts: session.facts,
      detail: { channel, allowed: ways, request, path },
    });
  };
  return new RestrictedChannel(up, ways, denied, (cause) => {
    session.log.warn('a restricted file transfer could not be read', {
      channel,
      reason: reasonOf(cause),
    });
    void end(new PosternError('transfer.unreadable', { capability: ways, machine: machine.name }));
  });
}
