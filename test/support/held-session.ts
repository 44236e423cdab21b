import type { Gateway } from '../../src/domain/control-plane.ts';

/** A gateway that holds one session and keeps who ended it. */
export class HeldSession implements Gateway {
  readonly count = 1;
  readonly asked: Parameters<Gateway['terminate']>[] = [];
  readonly #id: number;

  constructor(id: number) {
    this.#id = id;
  }

  renew(): Promise<boolean> {
    return Promise.resolve(false);
  }

  terminate(...asked: Parameters<Gateway['terminate']>): Promise<boolean> {
    if (asked[0] !== this.#id) return Promise.resolve(false);
    this.asked.push(asked);
    return Promise.resolve(true);
  }
}
