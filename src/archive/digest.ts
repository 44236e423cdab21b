import { createHash, type Hash } from 'node:crypto';

/** What bytes are known by. */
export interface Digest {
  readonly bytes: number;
  /** Hex. */
  readonly md5: string;
  readonly sha256: string;
}

/** Adds up what a digest says of pieces. */
export class Digesting {
  readonly #md5: Hash = createHash('md5');
  readonly #sha256: Hash = createHash('sha256');
  #bytes = 0;

  add(piece: Uint8Array): void {
    this.#md5.update(piece);
    this.#sha256.update(piece);
    this.#bytes += piece.length;
  }

  /** Once. */
  done(): Digest {
    const [md5, sha256] = [this.#md5.digest('hex'), this.#sha256.digest('hex')];
    return { bytes: this.#bytes, md5, sha256 };
  }
}

export function digestOf(bytes: Uint8Array): Digest {
  const digesting = new Digesting();
  digesting.add(bytes);
  return digesting.done();
}

/**
 * The ETag that S3 gives an object of these parts, where it does not encrypt with keys of its own: the
 * MD5 of their MD5s, and how many there are. Of one that came in one piece: its MD5.
 */
export function etagOf(parts: readonly Pick<Digest, 'md5'>[], inParts: boolean): string {
  const [only] = parts;
  if (!inParts && only !== undefined) return only.md5;
  const all = createHash('md5');
  for (const { md5 } of parts) all.update(Buffer.from(md5, 'hex'));
  return `${all.digest('hex')}-${parts.length}`;
}
