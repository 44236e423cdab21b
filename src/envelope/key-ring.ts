import type { RecordingKeys } from '../domain/recording-keys.ts';
import { unwrapDataKey } from './data-key.ts';
import type { Envelope } from './envelope.ts';
import { keptDataKey } from './node-key.ts';

/** Data keys that an identity opened are kept, so that not each look at a recording costs a millisecond. */
const MOST_KNOWN = 64;

/** What data keys are found with: the node's own keys and the identities that it was given. */
export class KeyRing {
  readonly #keys: RecordingKeys;
  readonly #known = new Map<string, Buffer>();

  constructor(keys: RecordingKeys) {
    this.#keys = keys;
  }

  /**
   * The data key of the encrypted file at `path`. Null: nothing here opens it. `other_key`: it is being
   * written, or waits for its repair, and was begun under another secret key.
   */
  async dataKey(path: string, envelope: Envelope): Promise<Buffer | null | 'other_key'> {
    const kept = await keptDataKey(path, envelope, this.#keys.nodeKeys);
    if (kept !== null && kept !== 'other_key') return kept;
    return (await this.#unwrapped(envelope)) ?? kept;
  }

  /** As far as identities open it. */
  async #unwrapped({ wrapped }: Envelope): Promise<Buffer | null> {
    const name = wrapped.toString('base64');
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const key = await unwrapDataKey(wrapped, this.#keys.identities);
    if (key === null) return null;
    const [oldest] = this.#known.keys();
    if (this.#known.size === MOST_KNOWN && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(name, key);
    return key;
  }
}
