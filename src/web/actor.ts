import type { Context } from 'hono';
import { PosternError } from '../domain/errors.ts';
import { holdsScope, type Scope } from '../domain/role.ts';
import type { Actor, ConsoleEnv } from './deps.ts';

/** Who is signed in, with this scope. Throws `request.unauthorized` or `request.forbidden`. */
export function actorOf(c: Context<ConsoleEnv>, scope: Scope): Actor {
  const viewer = c.get('viewer');
  if (viewer === null) throw new PosternError('request.unauthorized');
  if (!holdsScope(viewer.scopes, scope)) throw new PosternError('request.forbidden', { scope });
  return { viewer, source: c.get('source') };
}
