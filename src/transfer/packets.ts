import { Unreadable } from './unreadable.ts';

/** Takes what follows the head of a packet, piece by piece. */
type Body = (piece: Buffer) => void;

/** Where the rest of a packet goes, and from where in its head that begins. */
export interface Content {
  readonly body: Body;
  readonly from: number;
}

interface PacketReader {
  /** How many bytes of such a packet are wanted whole, its type included. */
  headOf(type: number): number;
  /** The head, shorter when the packet is, and the whole packet's length; null: the rest is nobody's. */
  packet(head: Buffer, length: number): Content | null;
}

/** OpenSSH's own is 256 KiB; others send a megabyte of data at once. */
const MOST_PACKET = 4 * 2 ** 20;
const LENGTH_BYTES = 4;

/**
 * Cuts one direction of an SFTP stream into packets (draft-ietf-secsh-filexfer-02 section 3). Keeps at
 * most one head; what carries a file's content is handed on as it comes.
 */
export class Packets {
  readonly #reader: PacketReader;
  #head: Buffer = Buffer.alloc(0);
  /** Of the packet that is being read: bytes that are still to come, or null between two. */
  #left: number | null = null;
  #wanted = LENGTH_BYTES;
  #body: Body | null = null;

  constructor(reader: PacketReader) {
    this.#reader = reader;
  }

  /** Throws Unreadable. */
  take(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) rest = this.#step(rest);
  }

  #step(chunk: Buffer): Buffer {
    if (this.#left !== null && this.#wanted === 0) return this.#pass(chunk, this.#left);
    const missing = this.#wanted - this.#head.length;
    const taken = chunk.subarray(0, missing);
    this.#head = this.#head.length === 0 ? taken : Buffer.concat([this.#head, taken]);
    if (this.#head.length === this.#wanted) this.#headed();
    else this.#head = Buffer.from(this.#head);
    return chunk.subarray(taken.length);
  }

  /** What was wanted is there: the length, then the type, then the head. */
  #headed(): void {
    const head = this.#head;
    if (this.#left === null) {
      const length = head.readUInt32BE();
      if (length < 1 || length > MOST_PACKET) throw new Unreadable('a packet of no valid length');
      this.#left = length;
      this.#head = Buffer.alloc(0);
      this.#wanted = 1;
      return;
    }
    const whole = Math.min(this.#left, Math.max(1, this.#reader.headOf(head[0] ?? 0)));
    if (head.length < whole) {
      // A view's memory is used again before the rest comes.
      this.#head = Buffer.from(head);
      this.#wanted = whole;
      return;
    }
    const length = this.#left;
    this.#left -= head.length;
    this.#head = Buffer.alloc(0);
    this.#wanted = 0;
    const sink = this.#reader.packet(head, length);
    this.#body = sink?.body ?? null;
    const inside = sink === null ? head.subarray(head.length) : head.subarray(sink.from);
    if (inside.length > 0) this.#body?.(inside);
    if (this.#left === 0) this.#next();
  }

  #pass(chunk: Buffer, left: number): Buffer {
    const piece = chunk.subarray(0, left);
    this.#left = left - piece.length;
    this.#body?.(piece);
    if (this.#left === 0) this.#next();
    return chunk.subarray(piece.length);
  }

  #next(): void {
    this.#left = null;
    this.#body = null;
    this.#wanted = LENGTH_BYTES;
  }
}
