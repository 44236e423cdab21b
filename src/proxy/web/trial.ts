import { PosternError } from '../../domain/errors.ts';
import type { MachineTrial } from '../../domain/web-terminal.ts';
import { refusalOf } from '../refusal.ts';
import type { GatewaySession } from '../session.ts';

/** Milliseconds for a machine to let Postern in: less than a call between processes may take. */
const TRIAL_MS = 20_000;

/** Logs in to the session's machine, and ends the session. Never rejects. */
export async function tried(session: GatewaySession): Promise<MachineTrial> {
  const { id: sessionId, route } = session;
  const begun = performance.now();
  const took = (): number => performance.now() - begun;
  const reason = `no answer within ${TRIAL_MS / 1000} s`;
  const late = new PosternError('machine.unreachable', { machine: route.machine.name, reason });
  const timer = setTimeout(() => void session.fail(late), TRIAL_MS);
  try {
    await session.upstream();
    const milliseconds = took();
    await session.end('client_closed', null);
    return { connected: true, sessionId, milliseconds };
  } catch (error) {
    const milliseconds = took();
    const problem = session.farewell?.text ?? refusalOf(error).text;
    await session.fail(error);
    return { connected: false, sessionId, milliseconds, problem };
  } finally {
    clearTimeout(timer);
  }
}
