import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isAgeRecipient } from '../domain/age-key.ts';
import type { ArchivePlace } from '../domain/archive.ts';
import { parseRetention } from '../domain/retention.ts';
import { decodeSecretKey, Secret } from '../domain/secret.ts';
import type { KeyLife } from '../domain/ssh-manners.ts';
import { parseArchivePlace } from './archive-place.ts';
import { isHost, type Listener, parseListener } from './listener.ts';

/** A setting's value, or what to do about a text that is none. */
export type Parsed<Value> = { readonly value: Value } | { readonly remedy: string };

export const METRICS_ACCESS = ['token', 'open'] as const;
export type MetricsAccess = (typeof METRICS_ACCESS)[number];
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_FORMATS = ['pretty', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

const REKEY = /^([1-9][0-9]{0,5})([MG])(?: ([1-9][0-9]{0,5})([smh]))?$/;
const BYTES = { M: 2 ** 20, G: 2 ** 30 } as const;
const MILLISECONDS = { s: 1000, m: 60_000, h: 3_600_000 } as const;
/** RFC 4253 section 9: after one gigabyte or one hour; with less than this a connection does little else. */
const REKEY_BYTES = { least: 2 ** 20, most: 2 ** 30 };
const REKEY_MS = { least: 60_000, most: 3_600_000 };

/** The most SSH worker processes that can be asked for. */
const MOST_WORKERS = 64;

export function parseWord<Word extends string>(text: string, words: readonly Word[]): Parsed<Word> {
  const word = words.find((each) => each === text);
  return word === undefined ? { remedy: `write one of ${words.join(', ')}` } : { value: word };
}

/** Relative paths start at the working directory. */
export function parseDirectory(text: string): Parsed<string> {
  if (text.includes('\0')) return { remedy: 'write a path without a NUL character' };
  return { value: resolve(text) };
}

export function parseListen(text: string): Parsed<Listener> {
  const value = parseListener(text);
  return value === null
    ? { remedy: 'write HOST:PORT or [IPV6]:PORT, with a port from 0 to 65535' }
    : { value };
}

export function parsePublicSsh(
  text: string,
): Parsed<{ readonly host: string; readonly port: number | null }> {
  if (isHost(text)) return { value: { host: text, port: null } };
  const value = parseListener(text);
  if (value !== null && value.port !== 0) return { value };
  return { remedy: 'write HOST, HOST:PORT or [IPV6]:PORT, with a port from 1 to 65535' };
}

export function parsePublicUrl(text: string): Parsed<string> {
  const url = URL.parse(text);
  const plain =
    url !== null &&
    ['http:', 'https:'].includes(url.protocol) &&
    url.username === '' &&
    url.password === '' &&
    url.pathname === '/' &&
    url.search === '' &&
    url.hash === '';
  return plain
    ? { value: url.origin }
    : { remedy: 'write https://HOST or http://HOST:PORT, without a path or a password' };
}

function parseSecretUrl(
  text: string,
  protocols: readonly string[],
  remedy: string,
): Parsed<Secret> {
  const url = URL.parse(text);
  return url !== null && protocols.includes(url.protocol)
    ? { value: new Secret(text) }
    : { remedy };
}

export function parseDatabaseUrl(text: string): Parsed<Secret> {
  return parseSecretUrl(
    text,
    ['postgres:', 'postgresql:'],
    'write postgres://USER:PASSWORD@HOST:PORT/DATABASE, or leave it out for the embedded database',
  );
}

export function parseRedisUrl(text: string): Parsed<Secret> {
  return parseSecretUrl(
    text,
    ['redis:', 'rediss:'],
    'write redis://HOST:PORT or rediss://…, or leave it out for counters in this process',
  );
}

export function parseRecordings(text: string): Parsed<string | ArchivePlace> {
  if (/^s3:/i.test(text)) return parseArchivePlace(text);
  if (!text.startsWith('file:') || text.includes('\0')) return { remedy: 'write file:DIRECTORY' };
  if (!text.startsWith('file://')) {
    const path = text.slice('file:'.length);
    return path === '' ? { remedy: 'write file:DIRECTORY' } : { value: resolve(path) };
  }
  try {
    return { value: fileURLToPath(text) };
  } catch {
    return { remedy: 'write file:DIRECTORY, a directory of this machine' };
  }
}

const SIZE = /^([1-9][0-9]{0,5})([MGT])$/;
const SIZES = { ...BYTES, T: 2 ** 40 } as const;

/** Bytes of `512M`, `1G` or `1T`; 0 of `0`. */
export function parseSize(text: string): Parsed<number> {
  if (text === '0') return { value: 0 };
  const [, digits = '', unit = ''] = SIZE.exec(text) ?? [];
  const bytes = Number(digits) * (SIZES[unit as keyof typeof SIZES] ?? 0);
  return bytes > 0 ? { value: bytes } : { remedy: 'write 512M, 1G or 1T, or 0 for none' };
}

export function parseKeeping(text: string): Parsed<number> {
  const value = parseRetention(text);
  return value === null ? { remedy: 'write 90d, 12h, 7y or forever' } : { value };
}

/** In a form that `parseSize` reads. */
export function formatSize(bytes: number): string {
  const units = ['T', 'G', 'M'] as const;
  const unit = units.find((one) => bytes % SIZES[one] === 0) ?? 'M';
  return bytes === 0 ? '0' : `${bytes / SIZES[unit]}${unit}`;
}

/** As many as a recording's first line has room for. */
const MOST_RECIPIENTS = 20;

export function parseRecipients(text: string): Parsed<readonly string[]> {
  const recipients = [...new Set(text.split(/[\s,]+/).filter((one) => one !== ''))];
  const good = recipients.length > 0 && recipients.every(isAgeRecipient);
  return good && recipients.length <= MOST_RECIPIENTS
    ? { value: recipients }
    : {
        remedy: `write 1 to ${MOST_RECIPIENTS} public keys of age, age1…, as \`age-keygen\` prints them, with commas between them`,
      };
}

export function parseSecretKey(text: string): Parsed<Secret> {
  return decodeSecretKey(text) === null
    ? { remedy: 'write 32 bytes as base64 or hex, as `openssl rand -base64 32` makes them' }
    : { value: new Secret(text) };
}

export function parseAdminToken(text: string): Parsed<Secret> {
  return /^[A-Za-z0-9._~+/=-]{32,256}$/.test(text)
    ? { value: new Secret(text) }
    : {
        remedy: 'write 32 to 256 letters, digits or -_.~+/=, as `openssl rand -hex 32` makes them',
      };
}

export function parseCredential(text: string): Parsed<Secret> {
  return /^[!-~]{1,4096}$/.test(text)
    ? { value: new Secret(text) }
    : { remedy: 'write it without spaces, as the store gave it' };
}

export function parseWorkers(text: string): Parsed<number> {
  const count = /^[0-9]{1,3}$/.test(text) ? Number(text) : Number.NaN;
  return count <= MOST_WORKERS
    ? { value: count }
    : { remedy: `write a whole number from 0 to ${MOST_WORKERS}` };
}

/** Requests a minute. */
export function parseRate(text: string): Parsed<number> {
  return /^[1-9][0-9]{0,8}$/.test(text)
    ? { value: Number(text) }
    : { remedy: 'write a whole number from 1 to 999999999' };
}

/** As sshd's RekeyLimit. */
export function parseRekey(text: string): Parsed<KeyLife> {
  const [, size = '', unit = '', time = '1', timeUnit = 'h'] = REKEY.exec(text) ?? [];
  const rekeyBytes = Number(size) * (BYTES[unit as keyof typeof BYTES] ?? 0);
  const rekeyMs = Number(time) * (MILLISECONDS[timeUnit as keyof typeof MILLISECONDS] ?? 0);
  const within = (value: number, { least, most }: typeof REKEY_MS): boolean =>
    value >= least && value <= most;
  return within(rekeyBytes, REKEY_BYTES) && within(rekeyMs, REKEY_MS)
    ? { value: { rekeyBytes, rekeyMs } }
    : { remedy: 'write SIZE or SIZE TIME, from 1M to 1G and from 60s to 1h, as in `512M 30m`' };
}

/** In a form that `parseRekey` reads. */
export function formatRekey({ rekeyBytes, rekeyMs }: KeyLife): string {
  return `${rekeyBytes / BYTES.M}M ${rekeyMs / MILLISECONDS.s}s`;
}

const LONGEST_TIMEOUT = 24 * 3_600_000;

/** Milliseconds of `30s`, `15m` or `2h`. */
export function parseTimeout(text: string): Parsed<number> {
  const [, digits = '', unit = ''] = /^([1-9][0-9]{0,5})([smh])$/.exec(text) ?? [];
  const milliseconds = Number(digits) * (MILLISECONDS[unit as keyof typeof MILLISECONDS] ?? 0);
  return milliseconds > 0 && milliseconds <= LONGEST_TIMEOUT
    ? { value: milliseconds }
    : { remedy: 'write 30s, 15m or 2h, at most 24h' };
}
