import { type LogFields, type Logger, printable } from '../domain/log.ts';
import { Secret } from '../domain/secret.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
type Level = (typeof LEVELS)[number];

export interface LoggerOptions {
  /** The least important level that is written. */
  readonly level: Level;
  /** `json`: NDJSON, `time level msg` and the fields; `pretty`: one line for people. */
  readonly format: 'pretty' | 'json';
  readonly stream: NodeJS.WritableStream;
}

/** The longest text of one field, in UTF-16 units. */
const LONGEST = 2000;

/** Names of fields that must not have been logged; their values are not written. */
const SECRET_NAME =
  /password|passphrase|secret|credential|authorization|cookie|token|(?:private|bastion|session|api)_?key$|^(?:stdin|stdout|stderr|input|output|keystrokes?)$/i;

/** Facts about secrets, which are none themselves. */
const HARMLESS_NAME = /(?:_id|Id|_file|File|_name|Name)$/;

/** A private key as text, in any field or message. */
const KEY_MATERIAL = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*/s;

type Value = string | number | boolean | null;

function clean(text: string): string {
  return printable(text.replace(KEY_MATERIAL, '<secret>'), LONGEST);
}

/** `value` as it may be written; the last line of defence (invariant 7), not the first. */
function safe(name: string, value: unknown): Value {
  if (value instanceof Secret) return '<secret>';
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (SECRET_NAME.test(name) && !HARMLESS_NAME.test(name)) return '<secret>';
  if (typeof value === 'string') return clean(value);
  // The type forbids these; a caller who goes round it still leaks nothing.
  return `<${typeof value}>`;
}

function entries(fields: LogFields): [string, Value][] {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [printable(name, 64), safe(name, value)]);
}

function jsonLine(time: Date, level: Level, message: string, fields: LogFields): string {
  const reserved = ['time', 'level', 'msg'];
  const own = entries(fields).map(([name, value]) => [
    reserved.includes(name) ? `${name}_` : name,
    value,
  ]);
  const line = { time: time.toISOString(), level, msg: clean(message), ...Object.fromEntries(own) };
  return JSON.stringify(line);
}

function prettyValue(value: Value): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

function prettyLine(time: Date, level: Level, message: string, fields: LogFields): string {
  const clock = time.toISOString().slice(11, 23);
  const pairs = entries(fields).map(([name, value]) => `  ${name}=${prettyValue(value)}`);
  return `${clock} ${level.toUpperCase().padEnd(5)} ${clean(message)}${pairs.join('')}`;
}

/**
 * The one logger of the process. Its stream's write errors (a reader that went away) are ignored:
 * the log must not take the bastion with it. While the stream holds more than MOST_WAITING bytes
 * unwritten, lines are dropped, and their number is logged when there is room again.
 */
export function createLogger(options: LoggerOptions): Logger {
  const { stream, format } = options;
  const least = LEVELS.indexOf(options.level);
  let dropped = 0;
  stream.on('error', () => undefined);

  const put = (level: Level, message: string, fields: LogFields): void => {
    const line = (format === 'json' ? jsonLine : prettyLine)(new Date(), level, message, fields);
    stream.write(`${line}\n`);
  };
  const write = (level: Level, message: string, fields: LogFields): void => {
    if (LEVELS.indexOf(level) < least) return;
    if (waiting(stream) > MOST_WAITING) {
      dropped++;
      return;
    }
    if (dropped > 0) {
      const lines = dropped;
      dropped = 0;
      put('warn', 'log lines were dropped: the log was not read fast enough', { lines });
    }
    put(level, message, fields);
  };
  return bind(write, {});
}

/** Bytes. A pipe that nobody reads would otherwise take the whole memory. */
const MOST_WAITING = 4 * 1024 * 1024;

function waiting(stream: NodeJS.WritableStream): number {
  return 'writableLength' in stream ? Number(stream.writableLength) : 0;
}

type Write = (level: Level, message: string, fields: LogFields) => void;

function bind(write: Write, carried: LogFields): Logger {
  const at =
    (level: Level) =>
    (message: string, fields: LogFields = {}): void =>
      write(level, message, { ...carried, ...fields });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => bind(write, { ...carried, ...fields }),
  };
}
