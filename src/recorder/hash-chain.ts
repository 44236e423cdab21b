import { createHash, type Hash } from 'node:crypto';

const BEGINNING = createHash('sha256').update('postern recording v1').digest();

/** Where a part ends, and what the chain amounts to there. */
export interface ChainHead {
  /** From 1. */
  readonly part: number;
  /** Bytes of the file before the seal. */
  readonly end: number;
  /** Hex. */
  readonly hash: string;
}

/**
 * The hash chain over a file's parts: hash(n) = SHA-256(hash(n - 1) ‖ bytes of part n), where part n is
 * everything from the beginning of seal n - 1 (of the file, for the first) to the beginning of seal n.
 */
export class HashChain {
  #hash: Hash = createHash('sha256').update(BEGINNING);
  #part = 0;
  #size = 0;
  #sealed = 0;

  /** Parts that are closed. */
  get part(): number {
    return this.#part;
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  /** Bytes that a closed part covers. */
  get sealed(): number {
    return this.#sealed;
  }

  add(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#size += bytes.length;
  }

  /** Ends a part here. */
  close(): ChainHead {
    const digest = this.#hash.digest();
    this.#hash = createHash('sha256').update(digest);
    this.#part += 1;
    this.#sealed = this.#size;
    return { part: this.#part, end: this.#size, hash: digest.toString('hex') };
  }
}
