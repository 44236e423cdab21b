import { PosternError } from './errors.ts';
import { printable } from './log.ts';

/** Where an engine listens. Over TCP always with TLS: who may speak to it owns its machine. */
export type EnginePlace =
  | { readonly type: 'unix'; readonly path: string }
  | { readonly type: 'tls'; readonly host: string; readonly port: number };

/** What Docker's own clients take where no port is named. */
const TLS_PORT = 2376;

/** `unix:///PATH` or `tcp://HOST[:PORT]`. Throws PosternError `engine.address`. */
export function enginePlace(address: string): EnginePlace {
  const place = URL.canParse(address)
    ? placeOf(new URL(address))
    : 'it must be unix:///PATH or tcp://HOST:PORT';
  if (typeof place !== 'string') return place;
  throw new PosternError('engine.address', { engine: printable(address, 200), reason: place });
}

/** What is wrong with it, as a string. */
function placeOf(url: URL): EnginePlace | string {
  if (url.search !== '' || url.hash !== '' || url.username !== '')
    return 'it has more than a place';
  if (url.protocol === 'unix:') return socketOf(url);
  return url.protocol === 'tcp:' ? portOf(url) : 'it must begin with unix:// or tcp://';
}

function socketOf({ host, pathname }: URL): EnginePlace | string {
  if (host !== '') return 'the path of a socket is absolute: unix:///PATH';
  if (pathname === '' || pathname === '/') return 'it names no socket';
  const path = pathname.includes('%') ? decodePath(pathname) : pathname;
  if (path === null) return 'the path of the socket cannot be read';
  // sun_path of unix(7), with its NUL.
  if (Buffer.byteLength(path) > 107) return 'the path of the socket is too long';
  return { type: 'unix', path };
}

function decodePath(path: string): string | null {
  try {
    const decoded = decodeURIComponent(path);
    return decoded.includes('\0') ? null : decoded;
  } catch {
    return null;
  }
}

function portOf({ hostname, port, pathname }: URL): EnginePlace | string {
  if (hostname === '') return 'it names no host';
  if (pathname !== '' && pathname !== '/') return 'it has a path';
  const number = port === '' ? TLS_PORT : Number(port);
  if (number === 0) return '0 is no port';
  return { type: 'tls', host: hostname.replace(/^\[(.*)\]$/, '$1'), port: number };
}
