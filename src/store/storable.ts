/**
 * Text that PostgreSQL takes: it holds no NUL and no half of a surrogate pair, and what clients
 * call themselves or type as a command may have both.
 */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd');
}

/** A value on its way to the driver, its text made storable; an array's as well. */
export function storableValue(value: unknown): unknown {
  if (typeof value === 'string') return storable(value);
  return Array.isArray(value) ? value.map(storableValue) : value;
}

/** Any JSON, its text made storable. */
export function storableTree(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null) return storableValue(inner);
    if (Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).map(([key, held]) => [storable(key), held]));
  });
}

/** A flat record as jsonb takes it: there NUL is refused as an escape too. */
export function storableJson(record: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(record);
  return JSON.stringify(
    Object.fromEntries(entries.map(([key, value]) => [storable(key), storableValue(value)])),
  );
}
