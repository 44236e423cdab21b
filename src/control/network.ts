import { BlockList, isIP } from 'node:net';

/** `a.b.c.d` for an IPv4 address that came in over IPv6 (`::ffff:a.b.c.d`); else as it is. */
export function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  const bare = mapped?.[1] ?? address;
  return bare.replace(/%.*$/, '');
}

function family(address: string): 'ipv4' | 'ipv6' | null {
  const version = isIP(address);
  if (version === 0) return null;
  return version === 4 ? 'ipv4' : 'ipv6';
}

/** True when `text` is `ADDRESS/BITS` or one address. */
export function isNetwork(text: string): boolean {
  const [base = '', bits, ...rest] = text.split('/');
  const kind = family(base);
  // With a zone (`fe80::1%eth0`) it is an address of one host's, and BlockList throws.
  if (kind === null || rest.length > 0 || base.includes('%')) return false;
  if (bits === undefined) return true;
  return /^\d{1,3}$/.test(bits) && Number(bits) <= (kind === 'ipv4' ? 32 : 128);
}

/**
 * Whether `address` lies in the CIDR `network`; an IPv4 address, however it came, lies in networks of
 * IPv4 and of mapped addresses (`::ffff:10.0.0.0/104`). False for anything that is neither.
 */
export function inNetwork(address: string, network: string): boolean {
  const plain = plainAddress(address);
  const kind = family(plain);
  if (kind === null || !isNetwork(network)) return false;
  const [base = '', bits] = network.split('/');
  const baseKind = base.includes(':') ? 'ipv6' : 'ipv4';
  const length = bits === undefined ? (baseKind === 'ipv4' ? 32 : 128) : Number(bits);
  // Wider than the mapped addresses, it is a network of IPv6 alone: `::/0` is not everywhere.
  const mapped = kind === 'ipv4' && baseKind === 'ipv6' && length >= 96;
  if (baseKind !== kind && !mapped) return false;
  const list = new BlockList();
  list.addSubnet(base, length, baseKind);
  return list.check(mapped ? `::ffff:${plain}` : plain, baseKind);
}
