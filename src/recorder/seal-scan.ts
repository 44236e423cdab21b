import { LONGEST_SEAL } from './seal.ts';

const OPENING = Buffer.from('# seal ');
const MARK = Buffer.from('\n# seal ');
const NEWLINE = 0x0a;

/** Who hears what a file is made of, in order. */
interface ScanListener {
  /** Bytes between seals. */
  bytes(bytes: Buffer): void;
  /** A seal's line with its newline; without it when it is far too long. */
  seal(line: Buffer): void;
}

/**
 * Finds the seals in a file without looking at its other lines: what programs wrote is in JSON strings
 * and holds no newline, so a line that begins like a seal is one.
 */
export class SealScan {
  readonly #listener: ScanListener;
  #held: Buffer = Buffer.alloc(0);
  #atLineStart = false;

  constructor(listener: ScanListener) {
    this.#listener = listener;
  }

  add(piece: Uint8Array): void {
    const view = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    let rest = this.#held.length === 0 ? view : Buffer.concat([this.#held, view]);
    for (let next = this.#step(rest); next !== null; next = this.#step(rest)) rest = next;
    this.#held = this.#keep(rest);
  }

  end(): void {
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    if (held.length > 0) this.#listener.bytes(held);
  }

  /** Takes the bytes before a seal, or a seal, off `rest`; null: neither is whole in it. */
  #step(rest: Buffer): Buffer | null {
    if (this.#atLineStart && startsLikeSeal(rest)) {
      const end = rest.indexOf(NEWLINE) + 1;
      if (end === 0 && rest.length <= LONGEST_SEAL) return null;
      const line = rest.subarray(0, end === 0 ? rest.length : end);
      this.#listener.seal(line);
      return rest.subarray(line.length);
    }
    const mark = rest.indexOf(MARK);
    if (mark === -1) return null;
    this.#listener.bytes(rest.subarray(0, mark + 1));
    this.#atLineStart = true;
    return rest.subarray(mark + 1);
  }

  /** Hands on what cannot be the beginning of a seal; answers a copy of what can. */
  #keep(rest: Buffer): Buffer {
    const mayBegin = this.#atLineStart && mayBecomeSeal(rest);
    const line = rest.lastIndexOf(NEWLINE) + 1;
    const from = mayBegin || (line > 0 && mayBecomeSeal(rest.subarray(line))) ? line : rest.length;
    if (from > 0) {
      this.#listener.bytes(rest.subarray(0, from));
      this.#atLineStart = rest[from - 1] === NEWLINE;
    }
    return Buffer.from(rest.subarray(from));
  }
}

function startsLikeSeal(bytes: Buffer): boolean {
  return bytes.subarray(0, OPENING.length).equals(OPENING);
}

/** Whether it is a seal's beginning, as far as it goes. */
function mayBecomeSeal(bytes: Buffer): boolean {
  const length = Math.min(bytes.length, OPENING.length);
  return bytes.subarray(0, length).equals(OPENING.subarray(0, length));
}
