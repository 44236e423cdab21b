import type { CastHeader, RecordingStart } from '../domain/recording.ts';
import { clampWindow } from '../domain/terminal.ts';

/** The size that a program without a terminal is replayed at. */
const NO_TERMINAL = { cols: 80, rows: 24 } as const;

/** UTF-16 units; a longer exec command is cut in the header (players read it in one piece). */
const LONGEST_COMMAND = 32_768;

/** What the header of one of our own recordings says beside the asciicast fields. */
export interface FullHeader extends CastHeader {
  readonly term: string | null;
  /** Of a copy in which secrets are hidden: the rules by which they are. */
  readonly redacted?: string;
}

function clipped(text: string): string {
  const whole = text.length > LONGEST_COMMAND ? `${text.slice(0, LONGEST_COMMAND)}…` : text;
  return whole.toWellFormed();
}

/** The first line of a file, its newline included. Own facts stand under the one key `postern`. */
export function headerLine(start: RecordingStart): string {
  const { pty, command } = start;
  const size = pty === null ? NO_TERMINAL : clampWindow(pty.window);
  const term = { cols: size.cols, rows: size.rows };
  const header = {
    version: 3,
    term: pty === null || pty.term === '' ? term : { ...term, type: clipped(pty.term) },
    timestamp: Math.floor(start.startedAt.getTime() / 1000),
    ...(command === null ? {} : { command: clipped(command) }),
    title: clipped(start.title),
    postern: {
      session: start.sessionId,
      channel: start.channel,
      pty: pty !== null,
      startedAt: start.startedAt.toISOString(),
    },
  };
  return `${JSON.stringify(header)}\n`;
}

/** Undefined as well where `value` is no object. */
function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function sizeOf(value: unknown): number | null {
  const fits = typeof value === 'number' && Number.isInteger(value) && value >= 1;
  return fits && value <= 65_535 ? value : null;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** Null when the line is no header of asciicast v2 or v3. */
export function parseHeader(line: string): FullHeader | null {
  const raw = parsed(line);
  const version = field(raw, 'version');
  if (version !== 2 && version !== 3) return null;
  const term = field(raw, 'term');
  const cols = sizeOf(version === 3 ? field(term, 'cols') : field(raw, 'width'));
  const rows = sizeOf(version === 3 ? field(term, 'rows') : field(raw, 'height'));
  if (cols === null || rows === null) return null;
  const timestamp = field(raw, 'timestamp');
  return {
    version,
    cols,
    rows,
    timestamp: typeof timestamp === 'number' ? timestamp : null,
    command: textOf(field(raw, 'command')),
    title: textOf(field(raw, 'title')),
    term: textOf(version === 3 ? field(term, 'type') : field(field(raw, 'env'), 'TERM')),
    pty: field(field(raw, 'postern'), 'pty') !== false,
  };
}

/** Whose recording a header says that it is; null where it does not say. */
export function identityOf(line: string): { session: number; channel: number } | null {
  const own = field(parsed(line), 'postern');
  const session = field(own, 'session');
  const channel = field(own, 'channel');
  if (typeof session !== 'number' || typeof channel !== 'number') return null;
  return { session, channel };
}
