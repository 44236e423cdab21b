/** pty-req (RFC 4254 sections 6.2 and 8), which ssh2 reads without its terminal modes. */
import { library } from './internals.ts';
import { uint32, type WireReader, wireString } from './wire.ts';

const END = 0;
/** Opcodes from here on have no known form, and end the list. */
const UNKNOWN_FORM = 160;
const IUTF8 = 42;

/** A terminal as a client asks for it or as a machine is asked for it. */
export interface PtyFields {
  readonly term: string;
  readonly cols: number;
  readonly rows: number;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Encoded terminal modes, verbatim. */
  readonly modesRaw: Buffer;
}

function modesOf(raw: Buffer): Record<string, number> {
  const names = new Map<number, string>([[IUTF8, 'IUTF8']]);
  for (const [name, opcode] of Object.entries(library().terminalModes)) names.set(opcode, name);
  const modes: Record<string, number> = {};
  for (let at = 0; at + 4 < raw.length; at += 5) {
    const opcode = raw[at] ?? END;
    if (opcode === END || opcode >= UNKNOWN_FORM) break;
    const name = names.get(opcode);
    if (name !== undefined) modes[name] = raw.readUInt32BE(at + 1);
  }
  return modes;
}

/** Reads the type-specific data of a pty-req; undefined if it is truncated. */
export function parsePty(
  data: WireReader,
): (PtyFields & { modes: Record<string, number> }) | undefined {
  const term = data.text();
  const [cols, rows, width, height] = [data.uint32(), data.uint32(), data.uint32(), data.uint32()];
  const raw = data.string();
  if (term === undefined || cols === undefined || rows === undefined) return undefined;
  if (width === undefined || height === undefined || raw === undefined) return undefined;
  const modesRaw = Buffer.from(raw);
  return { term, cols, rows, width, height, modes: modesOf(modesRaw), modesRaw };
}

/** The type-specific data of a pty-req. */
export function encodePty(pty: PtyFields): Buffer {
  const sizes = [pty.cols, pty.rows, pty.width, pty.height].map(uint32);
  return Buffer.concat([wireString(pty.term), ...sizes, wireString(pty.modesRaw)]);
}
