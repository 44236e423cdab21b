import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { PosternError } from '../domain/errors.ts';
import type { Allowance } from '../domain/rate-limit.ts';
import type { Viewer } from '../domain/visibility.ts';
import type { Upgrade } from './web-sockets.ts';

/** What middleware puts beside each request. */
export interface ApiEnv {
  readonly Bindings: {
    /** There when the request asks for a WebSocket. */
    readonly upgrade?: Upgrade;
  };
  readonly Variables: {
    /** Null: no valid token came with the request. */
    caller: Viewer | null;
    /** The address it came from. */
    source: string;
    requestId: string;
    /** What is left of the caller's requests; null: not counted yet. */
    allowance: Allowance | null;
  };
}

export type Api = OpenAPIHono<ApiEnv>;

/** Who asks and from where, for the functions that decide and write the audit. */
export interface Caller {
  readonly viewer: Viewer;
  readonly source: string;
}

/** Throws `request.unauthorized` when nobody is signed in; a guarded route has always a caller. */
export function callerOf(c: Context<ApiEnv>): Caller {
  const viewer = c.get('caller');
  if (viewer === null) throw new PosternError('request.unauthorized');
  return { viewer, source: c.get('source') };
}
