/** IP addresses as numbers; the domain has no library for them. */

export interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
}

export interface Network {
  readonly base: Address;
  /** Leading bits that count. */
  readonly bits: number;
}

const WIDTH = { 4: 32, 6: 128 } as const;
const MAPPED = 0xffffn;

function parseV4(text: string): bigint | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return null;
  const parts = match.slice(1);
  // A leading zero is octal to some and decimal to others.
  if (parts.some((part) => Number(part) > 255 || /^0\d/.test(part))) return null;
  return parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

/** The 16-bit groups of one side of `::`; a dotted quad may be the last. */
function groupsOf(text: string): bigint[] | null {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: bigint[] = [];
  for (const [at, part] of parts.entries()) {
    if (/^[0-9A-Fa-f]{1,4}$/.test(part)) {
      groups.push(BigInt(`0x${part}`));
      continue;
    }
    const quad = at === parts.length - 1 ? parseV4(part) : null;
    if (quad === null) return null;
    groups.push(quad >> 16n, quad & 0xffffn);
  }
  return groups;
}

function parseV6(text: string): bigint | null {
  if (text.length > 45) return null;
  const sides = text.split('::');
  if (sides.length > 2) return null;
  const [head, tail] = [groupsOf(sides[0] ?? ''), groupsOf(sides[1] ?? '')];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (sides.length === 1 ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...Array.from({ length: missing }, () => 0n), ...tail];
  return groups.reduce((value, group) => (value << 16n) | group, 0n);
}

/**
 * A dotted quad in decimal, or an IPv6 address without a zone; null for anything else that some
 * resolver would take for an address. An IPv4 address that is mapped into IPv6 is IPv4.
 */
export function parseAddress(text: string): Address | null {
  const v4 = parseV4(text);
  if (v4 !== null) return { family: 4, value: v4 };
  const v6 = text.includes(':') ? parseV6(text) : null;
  if (v6 === null) return null;
  if (v6 >> 32n === MAPPED) return { family: 4, value: v6 & 0xffff_ffffn };
  return { family: 6, value: v6 };
}

/** `ADDRESS/BITS`, or an address as a network of one; null when it is neither. */
export function parseNetwork(text: string): Network | null {
  const [address = '', bits, ...rest] = text.split('/');
  const base = parseAddress(address);
  if (base === null || rest.length > 0) return null;
  const width = WIDTH[base.family];
  if (bits === undefined) return { base, bits: width };
  // What is mapped counts the bits of IPv6 before it.
  const offset = base.family === 4 && address.includes(':') ? 96 : 0;
  const count = /^\d{1,3}$/.test(bits) ? Number(bits) - offset : -1;
  return count < 0 || count > width ? null : { base, bits: count };
}

export function isInside(address: Address, { base, bits }: Network): boolean {
  if (address.family !== base.family) return false;
  const shift = BigInt(WIDTH[base.family] - bits);
  return address.value >> shift === base.value >> shift;
}

/** Whether all of `inner` lies in `outer`. */
export function isPartOf(inner: Network, outer: Network): boolean {
  return inner.bits >= outer.bits && isInside(inner.base, outer);
}
