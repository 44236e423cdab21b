import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SinkAddress } from '../domain/seal-sink.ts';
import { Secret } from '../domain/secret.ts';
import { parseArchivePlace } from './archive-place.ts';
import { isLoopback } from './listener.ts';
import type { Parsed } from './parsers.ts';

const REMEDY =
  'write https://HOST/PATH, syslog://HOST:PORT, syslog+tcp://…, syslog+tls://…, file:PATH or s3://BUCKET/PREFIX?endpoint=…&region=…, with spaces between several';

/** IANA's ports: RFC 5426 and RFC 5425; TCP has none of its own. */
const SYSLOG = {
  'syslog:': ['udp', 514],
  'syslog+tcp:': ['tcp', 514],
  'syslog+tls:': ['tls', 6514],
} as const;

/** Several that are set at once. */
const MOST = 8;

/** One for each word; the same one twice is a mistake. */
export function parseSealSinks(text: string): Parsed<readonly SinkAddress[]> {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const value = words.flatMap((word) => parseSink(word) ?? []);
  if (value.length !== words.length) return { remedy: REMEDY };
  if (new Set(words).size !== words.length) return { remedy: 'write each place once' };
  return value.length > MOST ? { remedy: `write at most ${MOST}` } : { value };
}

function parseSink(word: string): SinkAddress | null {
  if (word.startsWith('file:')) return parseFile(word);
  if (/^s3:/i.test(word)) return parseBucket(word);
  const url = URL.parse(word);
  if (url === null || url.hash !== '') return null;
  if (url.protocol in SYSLOG) return parseSyslog(url);
  // In the clear only where nobody else listens.
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isHttp = url.protocol === 'https:' || isLoopback({ host, port: 0 });
  if (!/^https?:$/.test(url.protocol) || !isHttp) return null;
  // fetch takes no password in an address.
  if (url.username !== '' || url.password !== '') return null;
  return { type: 'webhook', url: new Secret(url.href) };
}

function parseFile(word: string): SinkAddress | null {
  try {
    const path = word.startsWith('file://') ? fileURLToPath(word) : word.slice('file:'.length);
    return path === '' || path.includes('\0') ? null : { type: 'file', path: resolve(path) };
  } catch {
    return null;
  }
}

function parseBucket(word: string): SinkAddress | null {
  const parsed = parseArchivePlace(word);
  return 'value' in parsed ? { type: 'bucket', place: parsed.value } : null;
}

function parseSyslog(url: URL): SinkAddress | null {
  const [transport, usual] = SYSLOG[url.protocol as keyof typeof SYSLOG];
  const isBare = /^\/?$/.test(url.pathname) && url.search === '' && url.username === '';
  if (url.hostname === '' || !isBare || url.password !== '') return null;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { type: 'syslog', transport, host, port: url.port === '' ? usual : Number(url.port) };
}

/** As it is written, without what may be secret. */
export function formatSealSinks(sinks: readonly SinkAddress[]): string {
  return sinks.map(formatSink).join(' ');
}

function formatSink(sink: SinkAddress): string {
  if (sink.type === 'file') return `file:${sink.path}`;
  if (sink.type === 'bucket') return sink.place.text;
  if (sink.type === 'webhook') {
    const { origin, pathname, search } = new URL(sink.url.expose());
    return pathname === '/' && search === '' ? origin : `${origin}/<secret>`;
  }
  const scheme = sink.transport === 'udp' ? 'syslog' : `syslog+${sink.transport}`;
  return `${scheme}://${sink.host.includes(':') ? `[${sink.host}]` : sink.host}:${sink.port}`;
}

/** What webhooks are signed with. */
export function parseWebhookSecret(text: string): Parsed<Secret> {
  return /^[!-~]{16,256}$/.test(text)
    ? { value: new Secret(text) }
    : { remedy: 'write 16 to 256 characters without spaces, as `openssl rand -hex 32` makes them' };
}
