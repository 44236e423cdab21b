import type { AuthorizedRoute, Limits } from '../domain/access.ts';
import { PosternError } from '../domain/errors.ts';
import { listenPermission, type Place, placeText } from '../domain/forward.ts';
import { printable } from '../domain/log.ts';
import type { Offer } from '../domain/upstream.ts';
import { openForwardedTcp, openForwardedUnix } from '../ssh/forwarded.ts';
import { type ChannelLink, linkOf } from '../ssh/link.ts';
import type { GuardedConnection } from '../ssh/server.ts';
import type { ForwardHost } from './forward-host.ts';
import { RemoteListener } from './remote-listener.ts';

/** Listeners of one connection, those being asked for included. */
const MOST_LISTENERS = 32;

/** How long a client may take to answer a connection to its listener, in milliseconds. */
const OPEN_MS = 30_000;

/** ssh2 gives no functions where the client wants no reply. */
type Accept = ((port?: number) => void) | undefined;
type Reject = (() => void) | undefined;

/** Listeners on the machine that a client asks for (`ssh -R`, RFC 4254 section 7.1). */
export class RemoteForwards {
  readonly #guarded: GuardedConnection;
  readonly #host: ForwardHost;
  readonly #listeners = new Map<string, RemoteListener>();
  #asking = 0;

  constructor(guarded: GuardedConnection, host: ForwardHost) {
    this.#guarded = guarded;
    this.#host = host;
  }

  listen(): void {
    this.#guarded.connection.on('request', (accept, reject, name, info) => {
      const at = placeOf(info);
      if (at === null) reject?.();
      else if (name.startsWith('cancel-')) this.#cancel(at, accept, reject);
      else this.#begin(at, accept, reject);
    });
  }

  #begin(at: Place, accept: Accept, reject: Reject): void {
    if (this.#listeners.size + this.#asking >= MOST_LISTENERS) {
      this.#host.denied('forward-remote', printable(placeText(at), 300));
      reject?.();
      return;
    }
    this.#asking += 1;
    this.#ask(at)
      .then(
        (port) => accept?.(port),
        () => reject?.(),
      )
      // On a connection that is gone there is nobody to answer.
      .catch(() => undefined)
      .finally(() => {
        this.#asking -= 1;
      });
  }

  async #ask(at: Place): Promise<number> {
    const { session, permitted } = await this.#host.enter({
      permit: (route) => this.#permit(route, at),
      denied: () => this.#host.denied('forward-remote', printable(placeText(at), 300)),
    });
    const listener = new RemoteListener(session, at, permitted, (place, offer) =>
      this.#openAtUser(place, offer),
    );
    const port = await listener.begin();
    const key = keyOf(at.type === 'tcp' ? { ...at, port } : at);
    this.#listeners.set(key, listener);
    void listener.done.then(() => {
      if (this.#listeners.get(key) === listener) this.#listeners.delete(key);
    });
    return port;
  }

  #cancel(at: Place, accept: Accept, reject: Reject): void {
    const listener = this.#listeners.get(keyOf(at));
    if (listener === undefined) {
      reject?.();
      return;
    }
    listener
      .cancel()
      .then(() => accept?.())
      .catch(() => undefined);
  }

  async #openAtUser(at: Place, offer: Offer): Promise<ChannelLink> {
    const { connection } = this.#guarded;
    return linkOf(
      at.type === 'tcp'
        ? await openForwardedTcp(connection, at, offer.from, OPEN_MS)
        : await openForwardedUnix(connection, at.path, OPEN_MS),
    );
  }

  /** Throws unless some grant in force allows it. */
  #permit(route: AuthorizedRoute, at: Place): Limits {
    const answer = listenPermission(route, at, new Date());
    if (answer.allowed) return answer.limits;
    const place = printable(placeText(at), 300);
    const params = { capability: 'forward-remote', place, machine: route.machine.name };
    throw new PosternError(answer.code, params);
  }
}

function keyOf(at: Place): string {
  return at.type === 'tcp' ? `tcp ${at.port} ${at.host}` : `unix ${at.path}`;
}

/** What a global request is about; null: nothing that is known here. */
function placeOf(info: unknown): Place | null {
  if (typeof info !== 'object' || info === null) return null;
  if ('socketPath' in info && typeof info.socketPath === 'string') {
    return { type: 'unix', path: info.socketPath };
  }
  if (!('bindAddr' in info) || typeof info.bindAddr !== 'string') return null;
  if (!('bindPort' in info) || typeof info.bindPort !== 'number') return null;
  return { type: 'tcp', host: info.bindAddr, port: info.bindPort };
}
