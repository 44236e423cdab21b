/** Who is at the door: connections that have not authenticated yet, in all and by address. */
export class Startups {
  readonly #max: number;
  readonly #maxPerAddress: number;
  readonly #byAddress = new Map<string, number>();
  #count = 0;

  constructor(max: number, maxPerAddress: number) {
    this.#max = max;
    this.#maxPerAddress = maxPerAddress;
  }

  /** Takes a place; gives the way to leave it (more than once does no harm), or undefined if full. */
  enter(address: string): (() => void) | undefined {
    const source = sourceOf(address);
    const here = this.#byAddress.get(source) ?? 0;
    if (this.#count >= this.#max || here >= this.#maxPerAddress) return undefined;
    this.#byAddress.set(source, here + 1);
    this.#count += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#leave(source);
    };
  }

  #leave(source: string): void {
    const here = (this.#byAddress.get(source) ?? 1) - 1;
    if (here > 0) this.#byAddress.set(source, here);
    else this.#byAddress.delete(source);
    this.#count -= 1;
  }
}

/** What counts as one source: an IPv4 address, mapped or not, or the /64 of an IPv6 address. */
export function sourceOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const groups = head === '' ? [] : head.split(':');
  const end = tail === undefined || tail === '' ? [] : tail.split(':');
  while (tail !== undefined && groups.length + end.length < 8) groups.push('0');
  return `${[...groups, ...end]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

/** An address as people write it: IPv4 without its IPv6 mapping. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
}
