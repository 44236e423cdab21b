import { Unreadable } from './unreadable.ts';

/** Reads the fields of one packet from the left; throws Unreadable past its end. */
export class Fields {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  uint32(): number {
    return this.#take(4).readUInt32BE();
  }

  /** Beyond 2^53 it is inexact; no file is that long. */
  uint64(): number {
    return Number(this.#take(8).readBigUInt64BE());
  }

  string(most: number): Buffer {
    const length = this.uint32();
    if (length > most) throw new Unreadable('a field is too long');
    return this.#take(length);
  }

  /** A name as OpenSSH reads one (its `sshbuf_get_cstring`): a NUL may stand at its end alone. */
  cstring(most: number): Buffer {
    const bytes = this.string(most);
    const nul = bytes.indexOf(0);
    if (nul === -1) return bytes;
    if (nul < bytes.length - 1) throw new Unreadable('a name with a NUL in it');
    return bytes.subarray(0, nul);
  }

  #take(length: number): Buffer {
    const from = this.at;
    this.at += length;
    if (this.at > this.#bytes.length) throw new Unreadable('a packet is cut short');
    return this.#bytes.subarray(from, this.at);
  }
}
