const MAX = 200;

/** Text of a peer made fit for a log: printable ASCII, everything else escaped, at most 200 characters. */
export function printable(text: unknown): string {
  const escaped = String(text)
    .slice(0, MAX)
    .replace(/[^\x20-\x7e]|\\/g, (char) =>
      char === '\\' ? '\\\\' : `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
    );
  return escaped.slice(0, MAX);
}
