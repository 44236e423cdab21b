import { type Limits, permission, type Terms } from './access.ts';
import {
  type Address,
  isInside,
  isPartOf,
  type Network,
  parseAddress,
  parseNetwork,
} from './address.ts';
import { specialNetworks } from './special-address.ts';

/** Where a forward leads, or where one listens. */
export type Place =
  | { readonly type: 'tcp'; readonly host: string; readonly port: number }
  | { readonly type: 'unix'; readonly path: string };

/** `HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`, as in a grant's `forward_to`. */
export function placeText(place: Place): string {
  if (place.type === 'unix') return `unix:${place.path}`;
  const host = place.host.includes(':') ? `[${place.host}]` : place.host;
  return `${host}:${place.port}`;
}

const LOOPBACK: readonly Network[] = ['127.0.0.0/8', '::1'].flatMap(
  (text) => parseNetwork(text) ?? [],
);

const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const NAME = new RegExp(`^(?=.{1,253}$)${LABEL}(?:\\.${LABEL})*$`);
const MOST_PORT = 65_535;
/** Longer ones fit into no socket address. */
const LONGEST_PATH = 107;

/** Lower case, without the final dot; null for what some resolver takes for an address (`127.1`). */
function plainName(text: string): string | null {
  const name = text.toLowerCase().replace(/\.$/, '');
  const last = name.slice(name.lastIndexOf('.') + 1);
  return NAME.test(name) && !/^(?:[0-9]+|0x[0-9a-f]*)$/.test(last) ? name : null;
}

function isSocketPath(path: string): boolean {
  const bytes = new TextEncoder().encode(path).length;
  return path.startsWith('/') && bytes <= LONGEST_PATH && !/\p{Cc}/u.test(path);
}

/** One entry of `forward_to`. `port` null: every port. */
type Entry =
  | { readonly type: 'network'; readonly network: Network; readonly port: number | null }
  | { readonly type: 'any'; readonly port: number | null }
  /** `below`: names under this one (`*.example.com`) instead of itself. */
  | {
      readonly type: 'name';
      readonly name: string;
      readonly below: boolean;
      readonly port: number | null;
    }
  | { readonly type: 'unix'; readonly path: string };

function parsePort(text: string): number | null | undefined {
  if (text === '*') return null;
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= MOST_PORT ? port : undefined;
}

function parseEntry(text: string): Entry | null {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    return isSocketPath(path) ? { type: 'unix', path } : null;
  }
  const cut = text.lastIndexOf(':');
  const port = parsePort(text.slice(cut + 1));
  if (cut < 1 || port === undefined) return null;
  const written = text.slice(0, cut);
  const host = written.replace(/^\[([^[\]]*)\]((?:\/\d+)?)$/, '$1$2');
  if (written.startsWith('[') !== host.includes(':')) return null;
  if (host === '*') return { type: 'any', port };
  const network = parseNetwork(host);
  if (network !== null) return { type: 'network', network, port };
  const below = host.startsWith('*.');
  const name = plainName(below ? host.slice(2) : host);
  return name === null ? null : { type: 'name', name, below, port };
}

/** Whether `text` can stand in a grant's `forward_to`. */
export function isForwardTo(text: string): boolean {
  return parseEntry(text) !== null;
}

function coversAddress(entry: Entry, address: Address): boolean {
  const special = specialNetworks(address);
  if (entry.type === 'any') return special.length === 0;
  if (entry.type !== 'network' || !isInside(address, entry.network)) return false;
  return special.every((network) => isPartOf(entry.network, network));
}

function coversName(entry: Entry, name: string): boolean {
  if (entry.type !== 'name') return false;
  return entry.below ? name.endsWith(`.${entry.name}`) : name === entry.name;
}

function covers(entry: Entry, place: Place): boolean {
  if (place.type === 'unix') return entry.type === 'unix' && entry.path === place.path;
  if (entry.type === 'unix' || (entry.port !== null && entry.port !== place.port)) return false;
  const address = parseAddress(place.host);
  if (address !== null) return coversAddress(entry, address);
  const name = plainName(place.host);
  return name !== null && coversName(entry, name);
}

/**
 * The place to dial when these entries name it: the same, or for a `localhost` that no entry names
 * the loopback address that one does. Null: not named. An address counts by its number, a name by
 * its text: only the machine resolves names, so an entry with an address or `*` never covers one.
 */
export function namedPlace(forwardTo: readonly string[], place: Place): Place | null {
  if (place.type === 'tcp' && (place.port < 1 || place.port > MOST_PORT)) return null;
  const entries = forwardTo.flatMap((text) => parseEntry(text) ?? []);
  const named = (one: Place): boolean => entries.some((entry) => covers(entry, one));
  if (named(place)) return place;
  if (place.type === 'unix' || plainName(place.host) !== 'localhost') return null;
  const loopback = ['127.0.0.1', '::1'].map((host) => ({ ...place, host }));
  return loopback.find(named) ?? null;
}

export interface ForwardTerms {
  readonly terms: readonly Terms[];
}

export type ForwardAnswer =
  | { readonly allowed: true; readonly limits: Limits; readonly to: Place }
  | {
      readonly allowed: false;
      readonly code: 'access.capability' | 'access.expired' | 'access.destination';
    };

/**
 * Whether some one grant in force allows `forward-local` and names this destination. Deny by default:
 * a grant without `forward_to` allows none.
 */
export function forwardPermission(route: ForwardTerms, to: Place, now: Date): ForwardAnswer {
  const ever = permission(route, 'forward-local', now);
  if (typeof ever === 'string') return { allowed: false, code: ever };
  const terms = route.terms.filter(({ forwardTo }) => namedPlace(forwardTo, to) !== null);
  const limits = permission({ terms }, 'forward-local', now);
  if (typeof limits === 'string') return { allowed: false, code: 'access.destination' };
  const inForce = terms.filter(
    ({ allow, until }) => allow.includes('forward-local') && (until === null || until > now),
  );
  const place = namedPlace(
    inForce.flatMap(({ forwardTo }) => forwardTo),
    to,
  );
  return { allowed: true, limits, to: place ?? to };
}

function isLoopback(host: string): boolean {
  const address = parseAddress(host);
  if (address === null) return plainName(host) === 'localhost';
  return LOOPBACK.some((network) => isInside(address, network));
}

/** The empty host and `*` are every address (RFC 4254 section 7.1). */
function listenerPlace(at: Place): Place {
  return at.type === 'tcp' && (at.host === '' || at.host === '*') ? { ...at, host: '0.0.0.0' } : at;
}

function mayListen(forwardTo: readonly string[], at: Place): boolean {
  if (at.type === 'unix') return namedPlace(forwardTo, at) !== null;
  if (isLoopback(at.host)) return at.port >= 0 && at.port <= MOST_PORT;
  // Port 0 is whichever port is free, so only an entry for every port names it.
  const any = forwardTo.filter((text) => text.endsWith(':*'));
  return at.port === 0
    ? namedPlace(any, { ...at, port: MOST_PORT }) !== null
    : namedPlace(forwardTo, at) !== null;
}

/**
 * Whether some one grant in force allows `forward-remote` and a listener there: on a loopback address
 * of the machine always, anywhere else when `forward_to` names it. Where the connections lead only
 * the user's own client knows.
 */
export function listenPermission(route: ForwardTerms, at: Place, now: Date): ForwardAnswer {
  const ever = permission(route, 'forward-remote', now);
  if (typeof ever === 'string') return { allowed: false, code: ever };
  const place = listenerPlace(at);
  const terms = route.terms.filter(({ forwardTo }) => mayListen(forwardTo, place));
  const limits = permission({ terms }, 'forward-remote', now);
  if (typeof limits === 'string') return { allowed: false, code: 'access.destination' };
  return { allowed: true, limits, to: at };
}
