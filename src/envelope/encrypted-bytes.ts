import type { PositionedBytes } from '../domain/positioned-bytes.ts';
import type { Envelope } from './envelope.ts';
import { FIRST, type Link, openRecord, TAG_BYTES } from './record.ts';
import { RecordMap, type Spot } from './record-map.ts';

/** Bytes of the file that are read at once where text is wanted. */
const READ_AHEAD = 64 * 1024;

interface Opened {
  readonly spot: Spot;
  /** Where the record after it begins. */
  readonly next: Spot;
  readonly text: Buffer;
}

/**
 * The text of an encrypted file by position. It ends before the first record that is not whole, or does
 * not open. Holds one open record at a time.
 */
export class EncryptedBytes implements PositionedBytes {
  readonly #file: PositionedBytes;
  readonly #envelope: Envelope;
  readonly #key: Buffer;
  readonly #map: RecordMap;
  #opened: Opened | null = null;

  constructor(file: PositionedBytes, envelope: Envelope, key: Buffer) {
    this.#file = file;
    this.#envelope = envelope;
    this.#key = key;
    this.#map = new RecordMap(file, envelope);
  }

  /** By what the records say of their length. */
  async size(): Promise<number> {
    return (await this.#map.end()).text;
  }

  async read(buffer: Uint8Array, offset: number, length: number, position: number) {
    let bytesRead = 0;
    while (bytesRead < length) {
      const opened = await this.#open(position + bytesRead);
      if (opened === null) break;
      const from = position + bytesRead - opened.spot.text;
      const piece = opened.text.subarray(from, from + length - bytesRead);
      buffer.set(piece, offset + bytesRead);
      bytesRead += piece.length;
    }
    return { bytesRead };
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** The record that has the byte of the text at `position`, or where the next would begin. */
  spotOf(position: number): Promise<Spot> {
    const hints = this.#opened === null ? [] : [this.#opened.spot, this.#opened.next];
    return this.#map.spotOf(position, hints);
  }

  /** What a record at `spot` is bound to, beside its file. */
  async linkOf(spot: Spot): Promise<Link> {
    if (spot.number === 0) return FIRST;
    const tag = await this.#map.bytes(spot.at - TAG_BYTES, TAG_BYTES);
    if (tag === null) throw new Error('the file became shorter while it was read');
    return { number: spot.number, before: Buffer.from(tag) };
  }

  /**
   * Opens everything. Answers where the text ends, how many bytes of the file lie behind that, and
   * whether those may be a record that was not written to its end.
   */
  async survey(): Promise<{ readonly end: Spot; readonly rest: number; readonly torn: boolean }> {
    let position = 0;
    for (let one = await this.#open(0); one !== null; one = await this.#open(position)) {
      position = one.next.text;
    }
    const end = await this.spotOf(position);
    return { end, ...(await this.#map.behind(end)) };
  }

  /** The record with the byte of the text at `position`; null: none that is whole and opens. */
  async #open(position: number): Promise<Opened | null> {
    const known = this.#opened;
    if (known !== null && position >= known.spot.text && position < known.next.text) return known;
    const spot = await this.spotOf(position);
    const next = await this.#map.after(spot);
    if (next === null) return null;
    // With the tag of the one before it.
    const lead = spot.number === 0 ? 0 : TAG_BYTES;
    const length = next.at - spot.at + lead;
    const bytes = await this.#map.bytes(spot.at - lead, length, READ_AHEAD);
    if (bytes === null) return null;
    const link = lead === 0 ? FIRST : { number: spot.number, before: bytes.subarray(0, lead) };
    const text = openRecord(this.#key, this.#envelope, link, bytes.subarray(lead));
    if (text === null) return null;
    this.#opened = { spot, next, text };
    return this.#opened;
  }
}
