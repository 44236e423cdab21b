import type { Context, MiddlewareHandler } from 'hono';
import { getCookie } from 'hono/cookie';
import { CONSOLE_COOKIE } from '../domain/bearer.ts';
import { Crowd } from '../domain/crowd.ts';
import { PosternError } from '../domain/errors.ts';
import { formatId } from '../domain/ids.ts';
import { isOwnPage } from '../domain/own-page.ts';
import { holdsScope } from '../domain/role.ts';
import type { Recording, Session } from '../domain/session.ts';
import type { TokenKind } from '../domain/token.ts';
import {
  isLive,
  maySeeSession,
  seesSecrets,
  type Viewer,
  viewerOf,
  whoOf,
} from '../domain/visibility.ts';
import { bearerOf } from './auth.ts';
import { type ApiEnv, type Caller, callerOf } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { note } from './journal.ts';
import { LiveSocket, type LiveTerms } from './live-socket.ts';
import { isRedacted, type RedactWish } from './recording-view.ts';
import { seenSession } from './terminate.ts';

const PROTOCOL = 'v1.alis';

/** Sessions that one user, or one token that is nobody's, follows at once: a part of what a node lets be followed. */
const MOST_OF_ONE = 20;

/** Of those who follow sessions on this node. */
export function liveCrowd(): Crowd {
  return new Crowd({ most: Number.POSITIVE_INFINITY, mostOfOne: MOST_OF_ONE });
}

/** A program's token, or a browser's cookie, which browsers send whoever's page asks. */
interface Proof {
  readonly secret: string;
  readonly kinds: readonly TokenKind[];
}

function isOwn(c: Context<ApiEnv>, deps: ApiDeps): boolean {
  const [site, origin, host] = ['sec-fetch-site', 'origin', 'host'].map((name) =>
    c.req.header(name),
  );
  return isOwnPage({ site, origin, host }, deps.publicUrl());
}

/** Throws `request.cross_site` for what another site's page asks for. */
function proofOf(c: Context<ApiEnv>, deps: ApiDeps): Proof | null {
  const fromPage = c.req.header('origin') ?? c.req.header('sec-fetch-site');
  if (fromPage !== undefined && !isOwn(c, deps)) throw new PosternError('request.cross_site');
  const bearer = bearerOf(c.req.header('authorization'));
  if (bearer !== null) return { secret: bearer, kinds: ['api', 'bootstrap'] };
  const cookie = getCookie(c, CONSOLE_COOKIE);
  if (cookie === undefined || cookie.length > 100 || !isOwn(c, deps)) return null;
  return { secret: cookie, kinds: ['web'] };
}

function viewerBy({ secret, kinds }: Proof, deps: ApiDeps): Promise<Viewer | null> {
  return viewerOf(secret, kinds, deps.store, deps.clock());
}

/** The console's pages follow sessions with the cookie that they are signed in by. */
export function consoleCookie(deps: ApiDeps): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const proof = proofOf(c, deps);
    if (c.get('caller') === null && proof !== null) c.set('caller', await viewerBy(proof, deps));
    await next();
  };
}

/** Throws `live.over`, `live.elsewhere`, `live.channel_over` or `recording.none`. */
async function running(
  deps: ApiDeps,
  session: Session,
  channel: number | undefined,
): Promise<Recording> {
  const id = formatId('sess', session.id);
  if (!isLive(session)) throw new PosternError('live.over', { id });
  const { node } = session;
  if (node !== deps.node) throw new PosternError('live.elsewhere', { id, node });
  const recordings = await deps.store.sessions.recordings(session.id);
  const found = recordings.filter((one) => channel === undefined || one.channel === channel);
  const written = found.find(({ state }) => state === 'recording');
  if (written !== undefined) return written;
  const [over] = found;
  if (over === undefined) throw new PosternError('recording.none', { id });
  throw new PosternError('live.channel_over', { id, channel: over.channel });
}

function termsOf(
  deps: ApiDeps,
  proof: Proof,
  session: Session,
  recording: Recording,
  redacted: boolean,
): LiveTerms {
  return {
    may: async () => {
      const viewer = await viewerBy(proof, deps);
      if (viewer === null || !holdsScope(viewer.scopes, 'recordings:read')) return false;
      if (!redacted && !seesSecrets(viewer)) return false;
      return maySeeSession(viewer, session);
    },
    goesOn: async () => {
      const recordings = await deps.store.sessions.recordings(session.id);
      return recordings.some(({ id, state }) => id === recording.id && state === 'recording');
    },
  };
}

async function noteViewing(
  deps: ApiDeps,
  caller: Caller,
  session: Session,
  { channel }: Recording,
  redacted: boolean,
): Promise<void> {
  await note(deps.store, caller, deps.clock(), 'recording.viewed', {
    sessionId: session.id,
    machineId: session.machineId,
    detail: { channel, live: true, ...(redacted ? { redacted } : {}) },
  });
}

/**
 * Makes the request's socket a viewer of a channel that is being recorded (the first such one, unless
 * `channel` says which). Noted in the audit as a viewing. Throws `request.cross_site`,
 * `thing.not_found`, `live.*` and `recording.none`.
 */
export async function followSession(
  deps: ApiDeps,
  c: Context<ApiEnv>,
  id: number,
  { channel, redact }: { readonly channel: number | undefined; readonly redact: RedactWish },
  crowd: Crowd,
): Promise<Response> {
  const caller = callerOf(c);
  const proof = proofOf(c, deps);
  if (proof === null) throw new PosternError('request.unauthorized');
  const session = await seenSession(deps, caller, id);
  const recording = await running(deps, session, channel);
  // Where nothing serves sockets there is no environment at all.
  const upgrade = (c.env as ApiEnv['Bindings'] | undefined)?.upgrade;
  if (upgrade?.protocols.includes(PROTOCOL) !== true) throw new PosternError('live.no_socket');
  const redacted = isRedacted(caller, redact);
  await noteViewing(deps, caller, session, recording, redacted);
  upgrade.accept(PROTOCOL, (socket) => {
    const terms = termsOf(deps, proof, session, recording, redacted);
    const viewer = new LiveSocket(socket, terms);
    const leave = crowd.enter(whoOf(caller.viewer));
    if (leave === undefined) {
      viewer.refuse(new PosternError('live.too_many', { limit: MOST_OF_ONE }));
      return;
    }
    socket.once('close', leave);
    viewer.begin(deps.live, recording.key, redacted);
  });
  return c.body(null, 200);
}
