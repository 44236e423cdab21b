const NAMES = ['stderr', 'bytes', 'seal'] as const;
type NoteName = (typeof NAMES)[number];

/**
 * What asciicast has no event for stands in comment lines, which every reader of v3 skips:
 * - `# stderr N` before an `o`: that output comes from stderr; N is the length of its text in UTF-16
 *   units.
 * - `# bytes BASE64` just before an `o` whose text has U+FFFD for bytes that are not UTF-8: exactly the
 *   bytes that the text stands for.
 * - `# seal …`: see seal.ts.
 * They stand before their event, so that an event that is there has all that belongs to it.
 * What programs write cannot make one: it is in a JSON string, where a newline is escaped.
 */
export interface Note {
  readonly name: NoteName;
  readonly data: string;
}

const NOTE = new RegExp(`^# (${NAMES.join('|')}) (.*)$`, 's');

/** With its newline. */
export function noteLine(name: NoteName, data: string): string {
  return `# ${name} ${data}\n`;
}

/** Null when the line (without its newline) is none of ours. */
export function parseNote(line: string): Note | null {
  const match = NOTE.exec(line);
  const name = NAMES.find((known) => known === match?.[1]);
  return name === undefined ? null : { name, data: match?.[2] ?? '' };
}
