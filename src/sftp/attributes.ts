import type { Fields } from '../transfer/fields.ts';

/** Which attributes follow (draft-ietf-secsh-filexfer-02 section 5). */
const SIZE = 0x01;
const OWNER = 0x02;
const MODE = 0x04;
const TIMES = 0x08;

/** Of a file, as a machine says. */
export interface Attributes {
  /** The kind of file and its mode, as in C's `st_mode`. */
  readonly mode: number;
  /** Bytes. */
  readonly size: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970. */
  readonly accessed: number;
  readonly modified: number;
}

/** What a client wants changed. */
export interface Wanted {
  readonly size: number | null;
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  /** Without the kind of file. */
  readonly mode: number | null;
  /** Seconds since 1970. */
  readonly modified: number | null;
}

/** Throws Unreadable. What is extended is not looked at. */
export function wantedOf(fields: Fields): Wanted {
  const flags = fields.uint32();
  const size = flags & SIZE ? fields.uint64() : null;
  const owner = flags & OWNER ? { uid: fields.uint32(), gid: fields.uint32() } : null;
  const mode = flags & MODE ? fields.uint32() & 0o7777 : null;
  if (!(flags & TIMES)) return { size, owner, mode, modified: null };
  fields.uint32();
  return { size, owner, mode, modified: fields.uint32() };
}

/** Out of `stat -c '%f %s %u %g %X %Y'`; null when it is something else. */
export function attributesOf(text: string): Attributes | null {
  const match = /^([0-9a-f]+) (\d+) (\d+) (\d+) (-?\d+) (-?\d+)/.exec(text);
  if (match === null) return null;
  const [, mode = '', ...numbers] = match;
  const [size = 0, uid = 0, gid = 0, accessed = 0, modified = 0] = numbers.map(Number);
  return { mode: Number.parseInt(mode, 16), size, uid, gid, accessed, modified };
}

export function attributeBytes(of: Attributes): Buffer {
  const bytes = Buffer.alloc(32);
  bytes.writeUInt32BE(SIZE | OWNER | MODE | TIMES, 0);
  bytes.writeBigUInt64BE(BigInt(of.size), 4);
  const numbers = [of.uid, of.gid, of.mode, of.accessed, of.modified];
  for (const [at, number] of numbers.entries()) bytes.writeUInt32BE(number >>> 0, 12 + 4 * at);
  return bytes;
}

/** The letter of `ls -l` for each kind of file: what stands in `st_mode` above its twelve bits of mode. */
const KINDS: Readonly<Record<number, string>> = {
  1: 'p',
  2: 'c',
  4: 'd',
  6: 'b',
  8: '-',
  10: 'l',
  12: 's',
};

/** A line as of `ls -ln`, which clients show as it is. */
export function longName(name: Buffer, of: Attributes): Buffer {
  const letters = [6, 3, 0].map((shift) => {
    const bits = (of.mode >> shift) & 7;
    return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${bits & 1 ? 'x' : '-'}`;
  });
  const kind = KINDS[of.mode >> 12] ?? '?';
  const date = new Date(of.modified * 1000);
  // A file system has times that are beyond any calendar.
  const when = Number.isNaN(date.getTime()) ? '?' : date.toISOString().slice(0, 16);
  const line = `${kind}${letters.join('')} 1 ${of.uid} ${of.gid} ${of.size} ${when.replace('T', ' ')} `;
  return Buffer.concat([Buffer.from(line), name]);
}
