import { z } from '@hono/zod-openapi';
import { Crowd } from '../../domain/crowd.ts';
import { PosternError } from '../../domain/errors.ts';
import { holdsScope } from '../../domain/role.ts';
import { type Viewer, viewerByHash, whoOf } from '../../domain/visibility.ts';
import { type Api, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { failureSchema, json } from '../envelope.ts';
import { EventStream, readPlace } from '../event-stream.ts';
import { guarded } from '../guard.ts';

const SCOPE = 'sessions:read';

/** Of one user, or of one token that is nobody's. */
const MOST_OF_ONE = 20;

const route = guarded(SCOPE, {
  method: 'get',
  path: '/v1/events',
  summary: 'What happens to sessions, on all nodes, as server-sent events',
  description:
    'First `sessions`, those that live; then `session.started`, `session.changed` and `session.ended`, within about a second, of the sessions that the caller may see. With Last-Event-ID it goes on behind that event where it can, else `sessions` comes again.',
  responses: {
    200: {
      description: 'Events, until the caller leaves, or may not see them any more',
      content: { 'text/event-stream': { schema: z.string() } },
    },
    409: json(failureSchema, 'The caller listens as often as one may'),
    503: json(failureSchema, 'Too many listen already'),
  },
});

async function again(deps: ApiDeps, { tokenHash }: Viewer): Promise<Viewer | null> {
  const viewer = await viewerByHash(tokenHash, deps.store, deps.clock());
  return viewer !== null && holdsScope(viewer.scopes, SCOPE) ? viewer : null;
}

export function eventRoutes(api: Api, deps: ApiDeps): void {
  const crowd = new Crowd({ most: Number.POSITIVE_INFINITY, mostOfOne: MOST_OF_ONE });
  api.openapi(route, (c) => {
    const { viewer } = callerOf(c);
    const { events } = deps;
    const after = readPlace(c.req.header('last-event-id'));
    const left = crowd.enter(whoOf(viewer));
    if (left === undefined) throw new PosternError('events.too_many', { limit: MOST_OF_ONE });
    const host = { events, viewer, again: () => again(deps, viewer), left };
    const stream = new EventStream(host, after);
    return c.body(stream.body, 200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      // For nginx, which would gather them.
      'X-Accel-Buffering': 'no',
    });
  });
}
