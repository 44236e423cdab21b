import { isIP } from 'node:net';

const UNITS: Readonly<Record<string, number>> = { d: 86_400, h: 3600, m: 60, s: 1 };
const LONGEST = 365 * 86_400;

export const DURATION_RULE = 'is no duration: write 8h, 30m, 90s or 1h30m, at most 365d';

/** Seconds of `8h`, `30m`, `90s`, `1h30m`; null when it is no such thing, nothing or too long. */
export function parseDuration(text: string): number | null {
  if (!/^(?:\d{1,9}d)?(?:\d{1,9}h)?(?:\d{1,9}m)?(?:\d{1,9}s)?$/.test(text)) return null;
  const seconds = [...text.matchAll(/(\d+)([dhms])/g)].reduce(
    (sum, [, number, unit = '']) => sum + Number(number) * (UNITS[unit] ?? 0),
    0,
  );
  return seconds > 0 && seconds <= LONGEST ? seconds : null;
}

export const TIME_RULE =
  'is no time: write 2027-01-01T00:00:00Z, or 2027-01-01 for its midnight in UTC';

/** An ISO 8601 time with its zone, or a date; as the API takes it. Null when it is neither. */
export function parseTime(text: string): string | null {
  const form = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/.exec(
    text,
  );
  if (form === null) return null;
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return null;
  // JavaScript takes February 30th for March 2nd.
  const day = new Date(`${form[1]}T00:00:00Z`).toISOString().slice(0, 10);
  return day === form[1] ? time.toISOString() : null;
}

export const NETWORK_RULE = 'is no network: write 10.0.0.0/8, 2001:db8::/32 or one address';

/** `ADDRESS/BITS`; an address alone is a network of one. Null when it is neither. */
export function parseNetwork(text: string): string | null {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || address.includes('%') || rest.length > 0) return null;
  const most = version === 4 ? 32 : 128;
  if (bits === undefined) return `${address}/${most}`;
  return /^\d{1,3}$/.test(bits) && Number(bits) <= most ? text : null;
}

export const FORWARD_RULE =
  'is no destination: write HOST:PORT, [IPV6]:PORT, 10.0.0.0/24:PORT, *:PORT or unix:/PATH';

const TAG_KEY = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/;

export const TAG_KEY_RULE = 'must be 1 to 63 letters, digits, ".", "_", "/" or "-"';

export function isTagKey(text: string): boolean {
  return TAG_KEY.test(text);
}

/** `env=prod`; null when it is no such thing. */
export function parseTag(text: string): { readonly key: string; readonly value: string } | null {
  const cut = text.indexOf('=');
  const tag = { key: text.slice(0, Math.max(cut, 0)), value: text.slice(cut + 1) };
  return isTagKey(tag.key) && tag.value.length <= 200 ? tag : null;
}
