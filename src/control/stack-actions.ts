import type { StackAction } from '../domain/container-session.ts';
import { type ErrorCode, type ErrorParams, PosternError, sentence } from '../domain/errors.ts';
import type { Session } from '../domain/session.ts';
import type { Stores } from '../domain/store.ts';
import { aboutSession } from './journal.ts';

type Why = Extract<ErrorCode, `stack.${string}`>;

/** A sentence of the family, with what is to be said beside it. */
export function refusal(
  code: Why,
  beside: Why,
  params: ErrorParams,
  cause?: unknown,
): PosternError {
  return new PosternError(code, { detail: sentence(beside, params) }, { cause });
}

/** Fails an action with the sentence of the family; false: it has finished already. */
export function failAction(
  stores: Pick<Stores, 'stackActions'>,
  action: Pick<StackAction, 'id'>,
  thrown: unknown,
): Promise<boolean> {
  const ours = thrown instanceof PosternError && thrown.code.startsWith('stack.') ? thrown : null;
  const message = ours?.message ?? sentence('stack.not_created');
  const detail = ours?.params['detail'];
  const whole = detail === undefined ? message : `${message}: ${detail}`;
  return stores.stackActions.finish(action.id, 'failed', whole, new Date());
}

/** Fails what a process that died had under way; answers the sessions that it was to make, as they ended. */
export async function failInterrupted(
  stores: Stores,
  node: string,
  at: Date,
): Promise<readonly Session[]> {
  const ended: Session[] = [];
  for (const action of await stores.stackActions.open(node)) {
    const lost = refusal('stack.not_created', 'stack.interrupted', {});
    if (!(await failAction(stores, action, lost))) continue;
    const id = action.sessionId;
    const end = { endedAt: at, reason: 'not_created', bytesIn: 0, bytesOut: 0 } as const;
    if (id === null || !(await stores.sessions.end(id, end))) continue;
    const session = await stores.sessions.get(id);
    if (session === null) continue;
    ended.push(session);
    const detail = { reason: end.reason };
    await stores.audit.append(aboutSession('session.ended', session, at, detail));
  }
  return ended;
}
