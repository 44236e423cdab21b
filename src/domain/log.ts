/** What may stand in a log line's fields: no buffers, no output, no keystrokes, no secrets. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Implemented by log/logger.ts; everyone is given one, nobody makes one. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose lines also carry these fields. */
  child(fields: LogFields): Logger;
}

/**
 * Text from outside made fit for a log line or a message on a terminal: control characters are
 * written as \xNN (CVE-2023-28486 and its kind), at most `most` characters are kept.
 */
export function printable(text: string, most = 200): string {
  const kept = text.length > most ? `${text.slice(0, most)}…` : text;
  return kept.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (c) => {
    return `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** The message of anything that was thrown, fit for a log line. */
export function reasonOf(thrown: unknown): string {
  return printable(thrown instanceof Error ? thrown.message : String(thrown), 500);
}
