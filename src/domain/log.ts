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

/** Controls, line ends, marks that turn the direction of text, halves of surrogate pairs. */
const UNFIT = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}]/gu;

/** An escape of ours that was cut. */
const HALF_WRITTEN = /\\(?:x[0-9a-f]?|u[0-9a-f]{0,3})?$/;

/** Errors that one is followed to. */
const MOST_CAUSES = 10;

function start(text: string, most: number): string {
  return text.length > most ? text.slice(0, most).replace(/[\ud800-\udbff]$/, '') : text;
}

/**
 * Text from outside made fit for a log line or a message on a terminal: what would act there or make
 * it look like other text is written as \xNN or \uNNNN (CVE-2023-28486 and its kind). At most `most`
 * UTF-16 units, and the sign that there was more.
 */
export function printable(text: string, most = 200): string {
  // Of a text of any length no more is looked at than could be kept.
  const written = start(text, most).replace(UNFIT, (unit) => {
    const code = unit.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
  });
  if (text.length <= most && written.length <= most) return written;
  return `${start(written, most).replace(HALF_WRITTEN, '')}…`;
}

/** Of what an error was caused by first: what its own sentence does not tell its reader. */
export function rootReasonOf(thrown: unknown): string {
  let root = thrown;
  for (let depth = 0; depth < MOST_CAUSES; depth++) {
    if (!(root instanceof Error) || root.cause === undefined) break;
    root = root.cause;
  }
  return reasonOf(root);
}

/** The message of anything that was thrown, fit for a log line; never throws itself. */
export function reasonOf(thrown: unknown): string {
  if (thrown instanceof Error) return printable(String(thrown.message), 500);
  const text = typeof thrown === 'object' && thrown !== null ? '[object Object]' : String(thrown);
  return printable(text, 500);
}
