import type { MiddlewareHandler } from 'hono';
import { PosternError } from '../domain/errors.ts';
import type { RateLimit } from '../domain/rate-limit.ts';
import { type Viewer, viewerOf } from '../domain/visibility.ts';
import type { ApiEnv } from './context.ts';
import type { ApiDeps } from './deps.ts';

/** Longer than any token; what is longer is not looked up. */
const MAX_BEARER = 512;

/** A token's last use is noted at most this often, in milliseconds. */
const USED_EVERY = 60_000;

/** The secret of `Authorization: Bearer SECRET`; null when there is none. RFC 6750 §2.1. */
export function bearerOf(header: string | undefined): string | null {
  const match = /^bearer +([\x21-\x7e]+) *$/i.exec(header ?? '');
  const secret = match?.[1];
  return secret === undefined || secret.length > MAX_BEARER ? null : secret;
}

async function noteUse(deps: ApiDeps, viewer: Viewer, now: Date): Promise<void> {
  const last = viewer.token.lastUsedAt;
  if (last !== null && now.getTime() - last.getTime() < USED_EVERY) return;
  await deps.store.tokens.used(viewer.token.id, now);
}

/**
 * Who asks: looks the bearer secret up by its hash and counts the request, for each token, and for
 * each address where there is no valid one. Refuses nobody for want of a token: `guard` does.
 */
export function authentication(deps: ApiDeps, limit: RateLimit): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const now = deps.clock();
    const source = deps.clientAddress(c);
    c.set('source', source);
    c.set('caller', null);
    const bearer = bearerOf(c.req.header('authorization'));
    const caller =
      bearer === null ? null : await viewerOf(bearer, ['api', 'bootstrap'], deps.store, now);
    c.set('caller', caller);
    if (bearer !== null && caller === null) deps.meters.signInFailed('api');
    const key = caller === null ? `address ${source}` : `token ${caller.token.id}`;
    const allowance = limit.take(key, now);
    c.set('allowance', allowance);
    if (!allowance.allowed) {
      c.header('Retry-After', String(allowance.resetSeconds));
      throw new PosternError('request.rate_limited', { seconds: allowance.resetSeconds });
    }
    if (caller !== null) await noteUse(deps, caller, now);
    await next();
  };
}
