import type { AuthorizedRoute } from '../domain/access.ts';
import type { ConnectionFacts, SignedIn } from '../domain/control-plane.ts';
import { PosternError } from '../domain/errors.ts';
import { printable } from '../domain/log.ts';
import type { Session, SessionApproval, SessionKind } from '../domain/session.ts';
import type { Stores } from '../domain/store.ts';

export interface SessionEntry {
  readonly user: SignedIn;
  readonly route: AuthorizedRoute;
  readonly kind: SessionKind;
  readonly facts: ConnectionFacts;
  /** Null: none was needed. */
  readonly approval: SessionApproval | null;
  /** The node that holds the session from now on. */
  readonly node: string;
}

/**
 * The row of a session that begins: a new one, or the one that was made for whom comes to a
 * container. Throws `container.over` where that has its user already, or has ended.
 */
export async function enterSession(
  stores: Pick<Stores, 'sessions' | 'users' | 'containerSessions'>,
  { user, route, kind, facts, approval, node }: SessionEntry,
): Promise<Session> {
  const now = new Date();
  const from = { ipAddress: facts.sourceAddress, userAgent: printable(facts.client, 255) };
  const id = user.containerSession;
  if (id !== undefined) {
    const by = { node, kind, login: route.login, ...from, approval };
    const joined = await stores.containerSessions.join(id, by, now);
    const session = joined ? await stores.sessions.get(id) : null;
    if (session !== null) return session;
    throw new PosternError('container.over');
  }
  const account = await stores.users.get(user.userId);
  return await stores.sessions.create({
    userId: user.userId,
    userName: user.userName,
    userEmail: account?.email ?? null,
    machineId: route.machine.id,
    machineName: route.machine.name,
    machineHost: route.machine.host,
    login: route.login,
    kind,
    node,
    startedAt: now,
    ...from,
    approval,
  });
}
