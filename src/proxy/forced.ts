import { printable } from '../domain/log.ts';
import type { Program } from '../domain/terminal.ts';
import type { UpstreamRequest } from '../domain/upstream.ts';
import type { GatewaySession } from './session.ts';

/** That a certificate's command runs instead of what was asked for. */
export function noteForced(
  session: GatewaySession,
  request: UpstreamRequest,
  asked: Program,
): void {
  const { control } = session.deps;
  void control.note('channel.forced', {
    user: session.user,
    userName: session.user.userName,
    machineId: session.route.machine.id,
    sessionId: session.id,
    facts: session.facts,
    detail: {
      command: request.program.type === 'exec' ? printable(request.program.command, 1000) : '',
      asked: asked.type,
      ...(asked.type === 'exec' && { asked_command: printable(asked.command, 1000) }),
      ...(asked.type === 'subsystem' && { asked_subsystem: printable(asked.name, 64) }),
    },
  });
}
