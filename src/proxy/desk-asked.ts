import { type AuthorizedRoute, permission } from '../domain/access.ts';
import { Secret } from '../domain/secret.ts';
import type {
  DeskKind,
  DeskRequest,
  Upstream,
  UpstreamRequest,
  X11Request,
} from '../domain/upstream.ts';
import type { X11Fields } from '../ssh/desk.ts';
import type { Desk } from './desk.ts';
import type { GatewaySession } from './session.ts';

/** As OpenSSH's clients write them; a cookie is one of 16 bytes with every protocol that is used. */
const PROTOCOL = /^[A-Za-z0-9.:/_-]{1,64}$/;
const COOKIE = /^(?:[0-9A-Fa-f]{2}){1,256}$/;
const MOST_SCREEN = 255;

/** A program, and what its client let the machine use beside it. */
export interface ProgramRequest extends UpstreamRequest {
  readonly asked?: DeskAsked | undefined;
}

/** What became of a request: the machine cannot, or no grant lets it. */
export type DeskRefusal = (kind: DeskKind, by: 'machine' | 'grant') => void;

/**
 * What one channel's client asked for before its program. The client is answered by the access
 * decision alone: some wait for that answer before they ask for the program, and no machine is
 * dialled without one.
 */
export class DeskAsked {
  readonly #desk: Desk;
  readonly #wanted = new Set<DeskKind>();
  /** In use, as far as the machine said no different. */
  readonly #used = new Set<DeskKind>();
  readonly #noted = new Set<string>();
  #x11: X11Request | null = null;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  askAgent(accept: () => void, reject: () => void): void {
    this.#desk.agentForwarded();
    this.#ask('agent', accept, reject);
  }

  askX11(fields: X11Fields, accept: () => void, reject: () => void): void {
    const { single, protocol, cookie, screen } = fields;
    if (!PROTOCOL.test(protocol) || !COOKIE.test(cookie) || screen > MOST_SCREEN) {
      reject();
      return;
    }
    this.#x11 = { single, protocol, cookie: new Secret(cookie), screen };
    this.#ask('x11', accept, reject);
  }

  /** What goes on to the machine, now that the session is there; of a menu, once for each session. */
  begin(
    session: GatewaySession,
    upstream: Upstream,
    refused: DeskRefusal,
  ): DeskRequest | undefined {
    this.#used.clear();
    for (const kind of this.#wanted) {
      if (this.#lacks(kind, session.route)) {
        if (this.#note(kind, session.route)) refused(kind, 'grant');
      } else {
        this.#used.add(kind);
        this.#desk.lend(kind, session, upstream);
      }
    }
    if (this.#used.size === 0) return undefined;
    return {
      agent: this.#used.has('agent'),
      x11: this.#used.has('x11') ? this.#x11 : null,
      answered: (kind, granted) => {
        if (granted) return;
        this.#used.delete(kind);
        refused(kind, 'machine');
      },
    };
  }

  /** What is in use and not allowed any more. */
  lostUnder(route: AuthorizedRoute): DeskKind | null {
    return [...this.#used].find((kind) => this.#lacks(kind, route)) ?? null;
  }

  #ask(kind: DeskKind, accept: () => void, reject: () => void): void {
    this.#wanted.add(kind);
    this.#desk
      .route()
      .then((route) => {
        if (route === null || this.#mayHave(kind, route)) accept();
        else {
          this.#note(kind, route);
          reject();
        }
      })
      // On a connection that is gone there is nobody to answer.
      .catch(() => undefined);
  }

  /** As it is, or once the session is approved: `begin` knows. */
  #mayHave(kind: DeskKind, { terms, onApproval }: AuthorizedRoute): boolean {
    const all = { terms: [...terms, ...onApproval] };
    return typeof permission(all, kind, new Date()) !== 'string';
  }

  #lacks(kind: DeskKind, route: AuthorizedRoute): boolean {
    return typeof permission(route, kind, new Date()) === 'string';
  }

  /** That it was denied, once for each machine. False: it was asked for Postern's own log-in. */
  #note(kind: DeskKind, { machine }: AuthorizedRoute): boolean {
    if (kind === 'agent' && machine.authType === 'agent') return false;
    const what = `${kind} ${machine.id}`;
    if (!this.#noted.has(what)) this.#desk.denied(kind);
    this.#noted.add(what);
    return true;
  }
}
