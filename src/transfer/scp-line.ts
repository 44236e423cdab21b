import { Unreadable } from './unreadable.ts';

/** With its end: OpenSSH's scp takes what is longer for the beginning of another line. */
const MOST_LINE = 2047;
const LF = 0x0a;

/** One line of scp's old protocol at a time, out of however many pieces; bounded. */
export class ScpLine {
  #held: Buffer[] = [];
  #bytes = 0;

  /** Hands the line on, without its end, when it is whole; gives what is left of the chunk. */
  take(chunk: Buffer, whole: (line: Buffer) => void): Buffer {
    const end = chunk.indexOf(LF);
    const piece = end === -1 ? chunk : chunk.subarray(0, end);
    this.#bytes += piece.length;
    if (this.#bytes >= MOST_LINE) throw new Unreadable('a line of scp is too long');
    // A view would keep the whole chunk.
    this.#held.push(Buffer.from(piece));
    if (end === -1) return chunk.subarray(chunk.length);
    const line = Buffer.concat(this.#held);
    this.#held = [];
    this.#bytes = 0;
    whole(line);
    return chunk.subarray(end + 1);
  }
}

/** What the source announces. */
export type ScpOrder =
  | { readonly type: 'times' }
  | { readonly type: 'leave' }
  | { readonly type: 'enter'; readonly name: string }
  | { readonly type: 'file'; readonly name: string; readonly size: number };

/** Throws Unreadable for what is no line of scp. */
export function scpOrder(line: string): ScpOrder {
  if (/^T\d+ \d+ \d+ \d+$/.test(line)) return { type: 'times' };
  if (line === 'E') return { type: 'leave' };
  const [, kind, size, name] = /^([CD])[0-7]{1,6} (\d{1,15}) (.+)$/s.exec(line) ?? [];
  if (kind === undefined || size === undefined || name === undefined) {
    throw new Unreadable('a line that is none of scp');
  }
  return kind === 'D' ? { type: 'enter', name } : { type: 'file', name, size: Number(size) };
}
