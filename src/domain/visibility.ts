import { hashBearer } from './bearer.ts';
import type { Grant } from './grant.ts';
import type { Machine } from './machine.ts';
import { holdsScope, type Role, type Scope, scopesOfRole } from './role.ts';
import type { Session } from './session.ts';
import type { Stores } from './store.ts';
import type { Token, TokenKind } from './token.ts';

/** Who asks, over the API or in the console: what they may see and do follows from this alone. */
export interface Viewer {
  /** Null: a token that is nobody's (the bootstrap token, a service's token). */
  readonly userId: number | null;
  readonly role: Role | null;
  /** For the audit: the user's name, or the token's when it is nobody's. */
  readonly name: string;
  readonly token: Token;
  /** What `viewerByHash` finds them by again, while the token is good. */
  readonly tokenHash: string;
  /** What the token holds and the user's role still allows. */
  readonly scopes: readonly Scope[];
}

/** As those whom they act on read it: the name of a node's own token says nothing to a user. */
export function shownName({ token, name }: Viewer): string {
  return token.kind === 'bootstrap' ? 'an administrator' : name;
}

/** A token never gives more than its owner's role does now. */
function effectiveScopes(token: Token, role: Role | null): readonly Scope[] {
  if (role === null || role === 'admin') return token.scopes;
  const allowed = scopesOfRole(role);
  if (token.scopes.includes('admin')) return allowed;
  return token.scopes.filter((scope) => allowed.includes(scope));
}

/** Whose places are counted: a user's, whatever their tokens, or those of a token that is nobody's. */
export function whoOf({ userId, token }: Viewer): string {
  return userId === null ? `token ${token.id}` : `user ${userId}`;
}

/**
 * Who presents this bearer secret; null when it is unknown, revoked, expired, of another kind, or
 * its owner is disabled or gone, or a browser's owes a second factor.
 */
export async function viewerOf(
  bearer: string,
  kinds: readonly TokenKind[],
  stores: Pick<Stores, 'tokens' | 'users'>,
  now: Date,
): Promise<Viewer | null> {
  const viewer = await viewerByHash(await hashBearer(bearer), stores, now);
  return viewer !== null && kinds.includes(viewer.token.kind) ? viewer : null;
}

/** As `viewerOf`, of any kind of token, by the hash of its secret. */
export async function viewerByHash(
  tokenHash: string,
  stores: Pick<Stores, 'tokens' | 'users'>,
  now: Date,
): Promise<Viewer | null> {
  const token = await stores.tokens.getByHash(tokenHash, now);
  if (token === null) return null;
  if (token.userId === null) {
    return { userId: null, role: null, name: token.name, token, tokenHash, scopes: token.scopes };
  }
  const user = await stores.users.get(token.userId);
  if (user === null || user.disabled) return null;
  // Such a browser signed in before the second factor was demanded, or with one that is gone.
  if (token.kind === 'web' && user.totp === 'required' && !user.hasTotp) return null;
  const scopes = effectiveScopes(token, user.role);
  return { userId: user.id, role: user.role, name: user.name, token, tokenHash, scopes };
}

/** Admins, and tokens that are nobody's (which only admins make), see what is not theirs. */
export function seesEverything(viewer: Viewer): boolean {
  return viewer.userId === null || viewer.role === 'admin';
}

/** Who does not is shown recordings without what is secret in them: redaction.ts. */
export function seesSecrets(viewer: Viewer): boolean {
  return holdsScope(viewer.scopes, 'recordings:raw');
}

export function maySeeSession(viewer: Viewer, session: Session): boolean {
  return seesEverything(viewer) || session.userId === viewer.userId;
}

export function isLive(session: Session): boolean {
  return session.status === 'pending' || session.status === 'active';
}

export function mayTerminate(viewer: Viewer, session: Session): boolean {
  return (
    isLive(session) && maySeeSession(viewer, session) && holdsScope(viewer.scopes, 'sessions:write')
  );
}

/** Whether some grant of `grants`, in force at `now`, names the machine. */
export function isGranted(machine: Machine, grants: readonly Grant[], now: Date): boolean {
  return grants.some(({ on, until }) => {
    if (until !== null && until <= now) return false;
    if ('machineId' in on) return on.machineId === machine.id;
    if ('stackId' in on) return on.stackId === machine.stackId;
    return machine.tags[on.tag.key] === on.tag.value;
  });
}
