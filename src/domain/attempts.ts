/** Who tries to sign in: the name as it was given, which may be nobody's, and from where. */
export interface Guesser {
  readonly name: string;
  readonly address: string;
}

/**
 * How long whoever fails to sign in must wait, in milliseconds. Nobody can lock another one out from
 * somewhere else: an address waits for what it did itself alone. That a name is guessed at from
 * everywhere only takes from each address the tries that it has for free.
 */
export const PENALTY = {
  /** Failures of one name from one address before the first wait. */
  free: 5,
  /** The same, while the name is being guessed at from everywhere. */
  freeUnderAttack: 1,
  /** Failures of one name from all addresses that count as such. */
  attack: 30,
  /** Failures from one address, whatever the names, before the first wait. */
  freeOfAddress: 30,
  firstMs: 1000,
  longestMs: 15 * 60_000,
  /** After so long without a failure all is forgotten; more than the longest wait. */
  memoryMs: 60 * 60_000,
} as const;

/** The wait after so many failures, of which `free` cost none: 1 s, doubled by each one more. */
export function penaltyMs(failures: number, free: number): number {
  if (failures < free) return 0;
  return Math.min(PENALTY.longestMs, PENALTY.firstMs * 2 ** Math.min(failures - free, 30));
}

/** The keys under which a guesser's failures are counted. */
export interface AttemptKeys {
  readonly pair: string;
  readonly address: string;
  readonly name: string;
}

/** An IPv6 address as its /64, which is one subscriber's; any other text as it is. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.replace(/%.*$/, '').toLowerCase().split('::', 2);
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const gap = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  const groups = [...front, ...Array.from({ length: gap }, () => '0'), ...back];
  const first = groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ''));
  return `${first.join(':')}::/64`;
}

export function attemptKeys({ name, address }: Guesser): AttemptKeys {
  const given = name.slice(0, 64);
  const network = networkOf(address);
  return { pair: `${network} ${given}`, address: network, name: given };
}

/**
 * Failed attempts to sign in, counted for all nodes. In Redis or in process, one contract
 * (store/attempts.ts). With Redis away the node goes by what it saw itself; never open.
 */
export interface Attempts {
  /** Milliseconds until this one may try again; 0: now. */
  wait(guesser: Guesser): Promise<number>;
  failed(guesser: Guesser): Promise<void>;
  /** Forgets the failures of this name from this address; not those of the address, or the name. */
  succeeded(guesser: Guesser): Promise<void>;
  close(): Promise<void>;
}
