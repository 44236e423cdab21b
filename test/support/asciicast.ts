/**
 * A strict reader of asciicast v2 and v3 files, written from the format's documents and not from the
 * recorder's code: line by line, it names the first thing that is wrong with a file.
 */

export interface CheckedEvent {
  /** Seconds after the start. */
  readonly at: number;
  readonly code: string;
  readonly data: string;
}

export interface CheckedCast {
  readonly version: 2 | 3;
  readonly cols: number;
  readonly rows: number;
  readonly header: Readonly<Record<string, unknown>>;
  readonly events: readonly CheckedEvent[];
  /** All `o` text, as a player shows it. */
  readonly text: string;
  /** The bytes that the program wrote, those that were not UTF-8 included: v3 alone. */
  readonly output: Buffer;
  /** The same for stderr of a program without a terminal. */
  readonly error: Buffer;
  /** How many texts have their bytes beside them, for want of UTF-8. */
  readonly exactTexts: number;
  /** Of the `x` event; null: there is none. */
  readonly exitStatus: number | null;
}

const TIME = /^\[(\d+\.\d{3,6}),"/;
const SIZE = /^[1-9]\d{0,4}x[1-9]\d{0,4}$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** All that each version knows. */
const STANDARD = { 2: 'oimr', 3: 'oimrx' } as const;
const NOTE = /^# (stderr|bytes) (.*)$/;

type Json = Readonly<Record<string, unknown>>;

function fail(line: number, problem: string): never {
  throw new Error(`asciicast line ${line}: ${problem}`);
}

function decode(file: string | Uint8Array): string {
  if (typeof file === 'string') return file;
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(file);
}

function parse(text: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return fail(line, `no JSON (${String(error)}): ${text.slice(0, 80)}`);
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function entry(object: unknown, name: string): unknown {
  return isObject(object) ? object[name] : undefined;
}

function dimension(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536) {
    return value;
  }
  return fail(1, `${name} is ${JSON.stringify(value)}`);
}

function checkHeader(text: string): Pick<CheckedCast, 'version' | 'cols' | 'rows' | 'header'> {
  const header = parse(text, 1);
  if (!isObject(header)) return fail(1, 'the header is no object');
  const version = entry(header, 'version');
  if (version !== 2 && version !== 3) return fail(1, `version ${JSON.stringify(version)}`);
  const size = version === 3 ? entry(header, 'term') : header;
  const [cols, rows] = version === 3 ? ['cols', 'rows'] : ['width', 'height'];
  const timestamp = entry(header, 'timestamp');
  if (timestamp !== undefined && !Number.isInteger(timestamp)) fail(1, 'timestamp is no integer');
  for (const name of ['command', 'title']) {
    const value = entry(header, name);
    if (value !== undefined && typeof value !== 'string') fail(1, `${name} is no string`);
  }
  return {
    version,
    cols: dimension(entry(size, cols ?? ''), 'the width'),
    rows: dimension(entry(size, rows ?? ''), 'the height'),
    header,
  };
}

/** What the data of an event has to be. */
function checkData(code: string, data: string, line: number): void {
  if (!data.isWellFormed()) fail(line, 'half a surrogate pair');
  if (code === 'r' && !SIZE.test(data)) fail(line, `the size ${data}`);
  if (code === 'x' && !/^\d+$/.test(data)) fail(line, `the exit status ${data}`);
}

/** What one event has to be by itself: microseconds as written, code, data. */
function checkEvent(version: 2 | 3, text: string, line: number): [number, string, string] {
  if (!TIME.test(text)) fail(line, `no time of 3 to 6 decimals: ${text.slice(0, 40)}`);
  const value = parse(text, line);
  if (!Array.isArray(value) || value.length !== 3) return fail(line, 'not three things');
  const [time, code, data]: readonly unknown[] = value;
  if (typeof time !== 'number') return fail(line, 'the time is no number');
  if (typeof code !== 'string' || code.length !== 1) return fail(line, 'no code of a letter');
  if (typeof data !== 'string') return fail(line, 'the data is no string');
  if (!STANDARD[version].includes(code)) fail(line, `v${version} does not know ${code}`);
  checkData(code, data, line);
  return [Math.round(time * 1_000_000), code, data];
}

/** What an event has to be after the ones before it, and the bytes that they make together. */
class Sequence {
  readonly version: 2 | 3;
  readonly events: CheckedEvent[] = [];
  readonly #bytes = { output: [] as Buffer[], error: [] as Buffer[] };
  #micros = 0;
  /** Of the next `o`, when it is said to come from stderr. */
  #errorUnits: number | null = null;
  /** The bytes of the next `o`, when its text cannot be trusted for them. */
  #exact: Buffer | null = null;
  exactTexts = 0;

  constructor(version: 2 | 3) {
    this.version = version;
  }

  get output(): Buffer {
    return Buffer.concat(this.#bytes.output);
  }

  get error(): Buffer {
    return Buffer.concat(this.#bytes.error);
  }

  add(line: number, [micros, code, data]: [number, string, string]): void {
    const now = this.version === 3 ? this.#micros + micros : micros;
    if (now < this.#micros) fail(line, 'time runs backwards');
    this.#micros = now;
    const said = this.#errorUnits;
    const exact = this.#exact;
    this.#errorUnits = null;
    this.#exact = null;
    if (this.events.at(-1)?.code === 'x') fail(line, 'an event after the exit status');
    if (said !== null && (code !== 'o' || data.length !== said)) {
      fail(line, `not the ${said} units of error output that were said`);
    }
    if (exact !== null && (code !== 'o' || exact.toString('utf8') !== data)) {
      fail(line, 'the bytes before it are of another text');
    }
    const stream = said === null ? this.#bytes.output : this.#bytes.error;
    if (code === 'o') stream.push(exact ?? Buffer.from(data));
    this.events.push({ at: now / 1_000_000, code, data });
  }

  end(line: number): void {
    if (this.#errorUnits !== null || this.#exact !== null) fail(line, 'a note without its event');
  }

  /** A comment: what of ours asciicast has no event for. */
  note(line: number, text: string): void {
    const [, name, data = ''] = NOTE.exec(text) ?? [];
    if (name === 'stderr') this.#errorUnits = Number(data);
    if (name !== 'bytes') return;
    if (!BASE64.test(data)) fail(line, 'no base64');
    this.#exact = Buffer.from(data, 'base64');
    this.exactTexts += 1;
  }
}

/** Throws with the number of the first line that is wrong. Lines count from 1. */
export function checkAsciicast(file: string | Uint8Array): CheckedCast {
  const lines = decode(file).split('\n');
  if (lines.pop() !== '') fail(lines.length + 1, 'the last line has no end');
  const header = checkHeader(lines[0] ?? '');
  const sequence = new Sequence(header.version);
  for (const [index, text] of lines.entries()) {
    if (index === 0 || text === '') continue;
    if (text.startsWith('#')) {
      if (header.version === 2) fail(index + 1, 'v2 has no comments');
      sequence.note(index + 1, text);
      continue;
    }
    sequence.add(index + 1, checkEvent(header.version, text, index + 1));
  }
  sequence.end(lines.length);
  const { events, output, error, exactTexts } = sequence;
  const last = events.at(-1);
  return {
    ...header,
    events,
    text: events.map(({ code, data }) => (code === 'o' ? data : '')).join(''),
    output,
    error,
    exactTexts,
    exitStatus: last?.code === 'x' ? Number(last.data) : null,
  };
}
