/**
 * The integer keys of the store as the `/v1` API writes them: `sess_12` and `12` are the same
 * session (spec/api.md, "Two families, one core").
 */
export type IdKind =
  | 'sess'
  | 'usr'
  | 'mch'
  | 'grp'
  | 'grt'
  | 'key'
  | 'tok'
  | 'rec'
  | 'chan'
  | 'tfr'
  | 'act'
  | 'aud'
  | 'ca'
  | 'rvk'
  | 'alr'
  | 'apr'
  | 'stk';

/** `formatId('sess', 12)` is `sess_12`. */
export function formatId(kind: IdKind, key: number): string {
  return `${kind}_${key}`;
}

/**
 * Reads an id with or without its prefix. Null when the text is no id of this kind: another
 * prefix, a sign, leading zeros, nothing, or a number beyond 2^53-1.
 */
export function parseId(kind: IdKind, text: string): number | null {
  const digits = text.startsWith(`${kind}_`) ? text.slice(kind.length + 1) : text;
  if (!/^[1-9][0-9]{0,15}$/.test(digits)) return null;
  const key = Number(digits);
  return Number.isSafeInteger(key) ? key : null;
}
