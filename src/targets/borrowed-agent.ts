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
 * Asks a user's agent for its keys. Rejects with PosternError: `machine.no_agent` when the user has
 * forwarded none, `machine.agent_silent` when it gives none.
 */
export async function borrowAgent(
  agent: UserAgent | undefined,
  machine: string,
  signal: AbortSignal,
): Promise<BorrowedAgent> {
  if (agent?.forwarded !== true) throw new PosternError('machine.no_agent', { machine });
  let link: Link | null = null;
  const giveBack = (): void => {
    signal.removeEventListener('abort', giveBack);
    link?.stream.resume();
    link?.close();
  };
  try {
    link = await agent.open();
    signal.addEventListener('abort', giveBack, { once: true });
    if (signal.aborted) giveBack();
    const client = new AgentClient(link.stream);
    const identities = await client.identities();
    if (identities.length === 0) throw new Error('it holds no key');
    const sign = (blob: Buffer, data: Buffer): Promise<Buffer> => client.sign(blob, data);
    return { auth: { type: 'agent', identities, sign }, giveBack };
  } catch (cause) {
    giveBack();
    throw new PosternError('machine.agent_silent', { machine }, { cause });
  }
}
