import { PosternError } from '../domain/errors.ts';
import type { Link, UserAgent } from '../domain/upstream.ts';
import { AgentClient } from '../ssh/agent-client.ts';
import type { UpstreamAuth } from '../ssh/client.ts';

/** A user's agent for the time of one log-in. */
export interface BorrowedAgent {
  readonly auth: UpstreamAuth;
  giveBack(): void;
}

/**
 * Asks a user's agent for its keys, until `signal` calls that off. Rejects with PosternError:
 * `machine.no_agent` when the user has forwarded none, `machine.agent_silent` when it gives none.
 */
export async function borrowAgent(
  agent: UserAgent | undefined,
  machine: string,
  signal: AbortSignal,
): Promise<BorrowedAgent> {
  if (agent?.forwarded !== true) throw new PosternError('machine.no_agent', { machine });
  const calledOff = Promise.withResolvers<never>();
  calledOff.promise.catch(() => undefined);
  let link: Link | null = null;
  let isBack = false;
  const giveBack = (): void => {
    isBack = true;
    signal.removeEventListener('abort', giveBack);
    calledOff.reject(new Error('the log-in was called off'));
    link?.stream.resume();
    link?.close();
  };
  try {
    signal.throwIfAborted();
    signal.addEventListener('abort', giveBack, { once: true });
    const opening = agent.open().then((opened) => {
      link = opened;
      // Nobody waits for one that comes late.
      if (isBack) giveBack();
      return opened;
    });
    const client = new AgentClient((await Promise.race([opening, calledOff.promise])).stream);
    const identities = await Promise.race([client.identities(), calledOff.promise]);
    if (identities.length === 0) throw new Error('it holds no key');
    const sign = (blob: Buffer, data: Buffer): Promise<Buffer> => client.sign(blob, data);
    return { auth: { type: 'agent', identities, sign }, giveBack };
  } catch (cause) {
    giveBack();
    throw new PosternError('machine.agent_silent', { machine }, { cause });
  }
}
