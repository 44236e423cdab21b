import { shellToMark } from '../domain/access.ts';
import { sentence } from '../domain/errors.ts';
import type { UpstreamChannel, UpstreamRequest } from '../domain/upstream.ts';
import type { DownstreamStreams } from './pipe.ts';
import { notice } from './refusal.ts';
import type { GatewaySession } from './session.ts';
import { shellLine } from './shell-script.ts';

/**
 * Types the script that marks commands into a login shell under a terminal, where machine and grant
 * want it; before anything of the user's. Its user reads so, the machine's echo is recorded, and the
 * audit has it. Bounded by the length of the line, so nothing waits for the machine to take it.
 */
export function markShell(
  session: GatewaySession,
  channel: number,
  request: UpstreamRequest,
  up: UpstreamChannel,
  down: DownstreamStreams,
): void {
  if (request.program.type !== 'shell' || request.pty === null) return;
  const { machine } = session.route;
  const shell = shellToMark(session.route, new Date());
  if (shell === null || !up.stdin.writable) return;
  const text = sentence('session.shell_integration', { shell, machine: machine.name });
  // Not on stderr: a client may show that behind the echo.
  if (down.writable) down.write(Buffer.from(notice(text)));
  up.stdin.write(shellLine(shell));
  void session.deps.control.note('channel.marked', {
    user: session.user,
    userName: session.user.userName,
    machineId: machine.id,
    sessionId: session.id,
    facts: session.facts,
    detail: { channel, shell },
  });
}
