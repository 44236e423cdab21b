import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Envelope } from './envelope.ts';

const CIPHER = 'aes-256-gcm';

/** Of the ciphertext, before it. */
export const LENGTH_BYTES = 4;
const WRITER_BYTES = 8;
const NONCE_BYTES = WRITER_BYTES + 4;
export const TAG_BYTES = 16;

/** What a record takes beside its text. */
export const OVERHEAD = LENGTH_BYTES + NONCE_BYTES + TAG_BYTES;

/** Bytes of text in the longest record: what has to be opened to read any of them. */
export const LONGEST_TEXT = 256 * 1024;

const MOST_OF_A_WRITER = 2 ** 32;
const NEWLINE = 0x0a;

/** Where a record stands in its file: its number, from 0, and the tag of the one before it. */
export interface Link {
  readonly number: number;
  readonly before: Buffer;
}

export const FIRST: Link = { number: 0, before: Buffer.alloc(TAG_BYTES) };

/** What a record is bound to: its file, its number in it, and the record before it. */
function bound(envelope: Envelope, { number, before }: Link): Buffer {
  const place = Buffer.alloc(8);
  place.writeBigUInt64BE(BigInt(number));
  return Buffer.concat([envelope.hash, place, before]);
}

/**
 * Makes a file's records: `length (4) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`, numbers in big-endian. A
 * nonce is 8 random bytes of who writes and a counter of 4, so that who goes on after a crash uses none
 * that was used before, whatever became of the file.
 */
export class RecordSealer {
  readonly #key: Buffer;
  readonly #envelope: Envelope;
  readonly #writer = randomBytes(WRITER_BYTES);
  #count = 0;
  #link: Link;

  /** `link`: where the first record is to stand. */
  constructor(key: Buffer, envelope: Envelope, link: Link = FIRST) {
    this.#key = key;
    this.#envelope = envelope;
    this.#link = link;
  }

  /** The records for `text`, one behind the other; where it is long they end with lines, if they can. */
  seal(text: Buffer): Buffer {
    const records: Buffer[] = [];
    for (let from = 0; from < text.length; ) {
      const to = endOfRecord(text, from);
      records.push(...this.#record(text.subarray(from, to)));
      from = to;
    }
    return Buffer.concat(records);
  }

  #record(text: Buffer): readonly Buffer[] {
    if (this.#count === MOST_OF_A_WRITER) throw new Error('too many records for one writer');
    const head = Buffer.alloc(LENGTH_BYTES + NONCE_BYTES);
    head.writeUInt32BE(text.length);
    this.#writer.copy(head, LENGTH_BYTES);
    head.writeUInt32BE(this.#count, LENGTH_BYTES + WRITER_BYTES);
    this.#count += 1;
    const cipher = createCipheriv(CIPHER, this.#key, head.subarray(LENGTH_BYTES));
    cipher.setAAD(bound(this.#envelope, this.#link));
    const body = cipher.update(text);
    cipher.final();
    const tag = cipher.getAuthTag();
    this.#link = { number: this.#link.number + 1, before: tag };
    return [head, body, tag];
  }
}

function endOfRecord(text: Buffer, from: number): number {
  const most = from + LONGEST_TEXT;
  if (text.length <= most) return text.length;
  const cut = text.subarray(from, most).lastIndexOf(NEWLINE) + 1;
  return cut > 0 ? from + cut : most;
}

/** The bytes of text that a record's first bytes announce; null: they begin no record. */
export function textLength(head: Buffer): number | null {
  const length = head.readUInt32BE();
  return length >= 1 && length <= LONGEST_TEXT ? length : null;
}

/** The text of a whole record; null: it is not one that was written with this key for this place. */
export function openRecord(
  key: Buffer,
  envelope: Envelope,
  link: Link,
  record: Buffer,
): Buffer | null {
  const nonce = record.subarray(LENGTH_BYTES, LENGTH_BYTES + NONCE_BYTES);
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(bound(envelope, link))
    .setAuthTag(record.subarray(-TAG_BYTES));
  const text = decipher.update(record.subarray(LENGTH_BYTES + NONCE_BYTES, -TAG_BYTES));
  try {
    decipher.final();
    return text;
  } catch {
    // The one thing that it throws for: tag, text, key and place do not belong together.
    return null;
  }
}
