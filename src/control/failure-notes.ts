import { networkOf } from '../domain/attempts.ts';
import type { ConnectionFacts } from '../domain/control-plane.ts';
import { RateLimit } from '../domain/rate-limit.ts';

/** Events of failed sign-ins a minute, from one address and from all: a flood must not fill the disk. */
const OF_ADDRESS = 30;
const OF_ALL = 600;
const MINUTE_MS = 60_000;

/** Which failed sign-ins are written down; the counters of attempts know of the others. */
export class FailureNotes {
  readonly #perAddress = new RateLimit(OF_ADDRESS, MINUTE_MS);
  readonly #inAll = new RateLimit(OF_ALL, MINUTE_MS);

  allows(facts: Pick<ConnectionFacts, 'sourceAddress'> | null, now = new Date()): boolean {
    const address = facts === null ? '' : networkOf(facts.sourceAddress);
    return this.#perAddress.take(address, now).allowed && this.#inAll.take('all', now).allowed;
  }
}
