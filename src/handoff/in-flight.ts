/**
 * What waits for the other thread or its disk, of one channel and of all together, and the bounds on both. Bytes are
 * bytes of frames, headers included, so that a flood of tiny chunks counts for what it costs.
 */
export class InFlight {
  /** Of one channel: beyond it, it is to pause. */
  readonly perChannel: number;
  /** Of all: beyond it, every channel is to pause. */
  readonly inAll: number;
  #total = 0;
  readonly #waiting = new Set<Lane>();

  constructor(perChannel: number, inAll: number) {
    this.perChannel = perChannel;
    this.inAll = inAll;
  }

  get total(): number {
    return this.#total;
  }

  lane(): Lane {
    return new Lane(this);
  }

  /** For `Lane` alone. */
  change(bytes: number): void {
    this.#total += bytes;
  }

  /** For `Lane` alone. */
  wait(lane: Lane, waits: boolean): void {
    if (waits) this.#waiting.add(lane);
    else this.#waiting.delete(lane);
  }

  /** Lets those go on that have room again: after a batch of `Lane.written`. */
  settle(): void {
    for (const lane of [...this.#waiting]) lane.settle();
  }
}

/** One channel's share. */
export class Lane {
  readonly #all: InFlight;
  #bytes = 0;
  #paused = false;
  #listeners: (() => void)[] = [];

  constructor(all: InFlight) {
    this.#all = all;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** False: the caller is to pause until `onDrain` calls. The bytes count all the same. */
  add(bytes: number): boolean {
    this.#bytes += bytes;
    this.#all.change(bytes);
    const over = this.#bytes > this.#all.perChannel || this.#all.total > this.#all.inAll;
    if (over && !this.#paused) {
      this.#paused = true;
      this.#all.wait(this, true);
    }
    return !this.#paused;
  }

  written(bytes: number): void {
    this.#bytes -= bytes;
    this.#all.change(-bytes);
  }

  /** Goes on at half of the bounds, so that pausing and going on do not chatter. */
  settle(): void {
    const all = this.#all;
    if (this.#bytes <= all.perChannel / 2 && all.total <= all.inAll / 2) this.#go();
  }

  /** Once, when there is room; now, when there is. */
  onDrain(listener: () => void): void {
    if (this.#paused) this.#listeners.push(listener);
    else listener();
  }

  /** Nothing will be written any more: gives the share back and lets its caller go on. */
  close(): void {
    this.written(this.#bytes);
    this.#go();
  }

  #go(): void {
    this.#paused = false;
    this.#all.wait(this, false);
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }
}
