import type { Context, MiddlewareHandler } from 'hono';
import { PosternError } from '../domain/errors.ts';
import { isOwnPage } from '../domain/own-page.ts';
import type { ConsoleEnv } from './deps.ts';

function isOwn(c: Context<ConsoleEnv>, publicUrl: string): boolean {
  const [site, origin, host] = ['sec-fetch-site', 'origin', 'host'].map((name) =>
    c.req.header(name),
  );
  return isOwnPage({ site, origin, host }, publicUrl);
}

/** Refuses what would change something and was not asked for by a page of this site (CSRF). */
export function ownPagesOnly(publicUrl: () => string): MiddlewareHandler<ConsoleEnv> {
  return async (c, next) => {
    const reads = c.req.method === 'GET' || c.req.method === 'HEAD';
    if (!reads && !isOwn(c, publicUrl())) throw new PosternError('request.cross_site');
    await next();
  };
}
