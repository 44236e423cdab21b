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

/** `a.b.c.d/N` for a network of mapped addresses (`::ffff:a.b.c.d/96+N`); else as it is. */
function plainNetwork(network: string): string {
  const [base = '', bits = '128'] = network.split('/');
  const plain = plainAddress(base);
  return plain === base || Number(bits) < 96 ? network : `${plain}/${Number(bits) - 96}`;
}

/** Whether `address` lies in the CIDR `network`. False for anything that is neither. */
export function inNetwork(address: string, network: string): boolean {
  const plain = plainAddress(address);
  const kind = family(plain);
  if (kind === null || !isNetwork(network)) return false;
  const [base = '', bits] = plainNetwork(network).split('/');
  const baseKind = family(base);
  if (baseKind !== kind) return false;
  const list = new BlockList();
  list.addSubnet(base, bits === undefined ? (kind === 'ipv4' ? 32 : 128) : Number(bits), kind);
  return list.check(plain, kind);
}
