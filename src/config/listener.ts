import { isIP } from 'node:net';

/** An address to listen on or to be reached at. */
export interface Listener {
  /** A name or an address; IPv6 without brackets. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

const HOST_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*$/;

/** A host name, an IPv4 address, or an IPv6 address without brackets. */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true;
  // Digits and dots alone are a mistyped address, not a name.
  return HOST_NAME.test(text) && !/^[0-9.]+$/.test(text);
}

function port(text: string | undefined): number | null {
  if (text === undefined || !/^[0-9]{1,5}$/.test(text)) return null;
  const number = Number(text);
  return number <= 65535 ? number : null;
}

/** Reads `HOST:PORT` or `[IPV6]:PORT`; null when it is neither. */
export function parseListener(text: string): Listener | null {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):([0-9]+)$/.exec(text);
  if (match === null) return null;
  const host = match[1] ?? match[2] ?? '';
  const number = port(match[3]);
  if (number === null || !isHost(host)) return null;
  const bracketed = match[1] !== undefined;
  return bracketed === (isIP(host) === 6) ? { host, port: number } : null;
}

/** `HOST:PORT`, with brackets round an IPv6 address. */
export function formatListener(listener: Listener): string {
  const host = listener.host.includes(':') ? `[${listener.host}]` : listener.host;
  return `${host}:${listener.port}`;
}

/** Whether only this machine can reach it. */
export function isLoopback(listener: Listener): boolean {
  const { host } = listener;
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
