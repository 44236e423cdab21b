import { isUtf8 } from 'node:buffer';

export interface Decoded {
  readonly text: string;
  /** Exactly the bytes that `text` stands for. */
  readonly bytes: Buffer;
  /** Whether `text` is all that there is to `bytes`; else parts of it are U+FFFD. */
  readonly exact: boolean;
}

const NOTHING = Buffer.alloc(0);

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** Whether `second` may follow `lead` (Unicode 15, table 3-7); later bytes may be any 80..BF. */
function maySecond(lead: number, second: number): boolean {
  if (!isContinuation(second)) return false;
  if (lead === 0xe0) return second >= 0xa0;
  if (lead === 0xed) return second <= 0x9f;
  if (lead === 0xf0) return second >= 0x90;
  if (lead === 0xf4) return second <= 0x8f;
  return true;
}

function lengthOf(lead: number): number {
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  return 1;
}

/** How many bytes at the end are the beginning of a character that may still become whole: 0 to 3. */
function unfinished(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const lead = bytes[bytes.length - back] ?? 0;
    if (isContinuation(lead)) continue;
    if (lengthOf(lead) <= back) return 0;
    const second = bytes[bytes.length - back + 1] ?? 0;
    return back === 1 || maySecond(lead, second) ? back : 0;
  }
  return 0;
}

/**
 * One direction's bytes as text. A character that is split over chunks comes out whole, with the
 * chunk that completes it; what is not UTF-8 comes out as U+FFFD with its bytes beside it.
 */
export class Utf8Stream {
  #held: Buffer = NOTHING;

  /** A view of `chunk` may be answered: use it before the chunk's memory is used again. */
  write(chunk: Uint8Array): Decoded {
    const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const all = this.#held.length === 0 ? view : Buffer.concat([this.#held, view]);
    const cut = all.length - unfinished(all);
    this.#held = cut === all.length ? NOTHING : Buffer.from(all.subarray(cut));
    return decoded(all.subarray(0, cut));
  }

  /** The bytes that waited for the rest of their character, which did not come. */
  end(): Decoded {
    const held = this.#held;
    this.#held = NOTHING;
    return decoded(held);
  }
}

function decoded(bytes: Buffer): Decoded {
  return { text: bytes.toString('utf8'), bytes, exact: isUtf8(bytes) };
}
