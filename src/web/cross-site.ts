import type { Context, MiddlewareHandler } from 'hono';
import { PosternError } from '../domain/errors.ts';
import type { ConsoleEnv } from './deps.ts';

function hostOf(url: string): string | null {
  return URL.canParse(url) ? new URL(url).host : null;
}

/**
 * Whether a request was made by a page of this site. Browsers say so in `Sec-Fetch-Site`, which no
 * page can forge, and on plain HTTP in `Origin`. What says neither is refused.
 */
function isOwn(c: Context<ConsoleEnv>, publicUrl: string): boolean {
  const site = c.req.header('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin';
  const origin = hostOf(c.req.header('origin') ?? '');
  if (origin === null) return false;
  return origin === c.req.header('host') || origin === hostOf(publicUrl);
}

/** Refuses what would change something and was not asked for by a page of this site (CSRF). */
export function ownPagesOnly(publicUrl: () => string): MiddlewareHandler<ConsoleEnv> {
  return async (c, next) => {
    const reads = c.req.method === 'GET' || c.req.method === 'HEAD';
    if (!reads && !isOwn(c, publicUrl())) throw new PosternError('request.cross_site');
    await next();
  };
}
