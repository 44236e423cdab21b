import { type Address, isInside, type Network, parseNetwork } from './address.ts';

function networks(...texts: readonly string[]): readonly Network[] {
  return texts.flatMap((text) => parseNetwork(text) ?? []);
}

/** Addresses that mean something else on each machine, or that hand out credentials. */
const SPECIAL = networks(
  '0.0.0.0/8', // this host
  '127.0.0.0/8',
  '169.254.0.0/16', // link-local; the metadata services of most clouds
  '100.100.100.200', // metadata (Alibaba)
  '168.63.129.16', // metadata (Azure)
  '192.0.0.192', // metadata (Oracle)
  '::/96', // unspecified, loopback, IPv4-compatible
  'fe80::/10', // link-local
  '64:ff9b::/96', // all of IPv4, behind NAT64
  '64:ff9b:1::/48',
  'fd00:ec2::/32', // metadata (AWS)
  'fd20:ce::254', // metadata (Google)
);

/** Bits of an IPv6 address, counted from the left. */
interface Run {
  readonly at: number;
  readonly bits: number;
}

/** Where addresses of IPv6 carry one of IPv4, which is where their packets go in the end. */
interface Carrier {
  readonly network: Network;
  /** The 32 bits, in their order. */
  readonly runs: readonly Run[];
  /** `inverted`: each bit is the other; `guessed`: it may carry one elsewhere instead. */
  readonly how: 'plain' | 'inverted' | 'guessed';
}

/** `runs`: where each run of bits is, and how many they are. */
function carrier(
  text: string,
  runs: readonly (readonly [at: number, bits: number])[],
  how: Carrier['how'] = 'plain',
): readonly Carrier[] {
  const bits = runs.map(([at, count]) => ({ at, bits: count }));
  return networks(text).map((network) => ({ network, runs: bits, how }));
}

const CARRIERS: readonly Carrier[] = [
  carrier('::ffff:0:0:0/96', [[96, 32]]), // IPv4-translated (RFC 2765)
  carrier('2002::/16', [[16, 32]]), // 6to4 (RFC 3056)
  carrier('2001::/32', [[32, 32]]), // Teredo (RFC 4380): its server
  carrier('2001::/32', [[96, 32]], 'inverted'), // and its client
  carrier('64:ff9b::/96', [[96, 32]]), // NAT64 (RFC 6052)
  // NAT64 of one's own (RFC 8215), in each form that there is room for; bits 64 to 71 are left out.
  carrier(
    '64:ff9b:1::/48',
    [
      [48, 16],
      [72, 16],
    ],
    'guessed',
  ),
  carrier(
    '64:ff9b:1::/48',
    [
      [56, 8],
      [72, 24],
    ],
    'guessed',
  ),
  carrier('64:ff9b:1::/48', [[72, 32]], 'guessed'),
  carrier('64:ff9b:1::/48', [[96, 32]], 'guessed'),
].flat();

/** Null: none, as far as can be told. */
function carried({ value }: Address, { runs, how }: Carrier): Address | null {
  const found = runs.reduce((so, { at, bits }) => {
    const run = (value >> BigInt(128 - at - bits)) & ((1n << BigInt(bits)) - 1n);
    return (so << BigInt(bits)) | run;
  }, 0n);
  // What one form leaves empty looks like 0.0.0.0 to another, and nothing is sent there.
  if (how === 'guessed' && found >> 24n === 0n) return null;
  return { family: 4, value: how === 'inverted' ? found ^ 0xffff_ffffn : found };
}

/** The leading bits of the IPv6 address that hold so many leading bits of the IPv4 address. */
function reach(bits: number, runs: readonly Run[]): number {
  let left = bits;
  for (const run of runs) {
    if (left <= run.bits) return run.at + left;
    left -= run.bits;
  }
  return 128;
}

/**
 * The special networks that an address lies in: only who names one of them, or a network inside of
 * one, means the address. An address that carries a special one of IPv4 is as special.
 */
export function specialNetworks(address: Address): readonly Network[] {
  const around = (one: Address | null): readonly Network[] =>
    one === null ? [] : SPECIAL.filter((network) => isInside(one, network));
  const carrying = CARRIERS.filter(({ network }) => isInside(address, network)).flatMap((one) =>
    around(carried(address, one)).map(({ bits }) => ({
      base: address,
      bits: reach(bits, one.runs),
    })),
  );
  return [...around(address), ...carrying];
}
