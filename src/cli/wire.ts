import { formatRetention } from '../domain/retention.ts';
import type { Cell } from './table.ts';

/** Whether it is a JSON object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What stands at `user.name` of an answer; null where there is nothing. */
export function at(value: unknown, path: string): unknown {
  let here = value;
  for (const name of path.split('.')) {
    if (!isRecord(here)) return null;
    here = here[name] ?? null;
  }
  return here;
}

export function textAt(value: unknown, path: string): string | null {
  const found = at(value, path);
  return typeof found === 'string' ? found : null;
}

/** A list; empty where there is none. */
export function rowsAt(value: unknown, path: string): readonly unknown[] {
  const found = at(value, path);
  return Array.isArray(found) ? found : [];
}

/** As a cell of a table: lists with commas, maps as NAME=VALUE. */
export function cellAt(value: unknown, path: string): Cell {
  return cellOf(at(value, path));
}

function cellOf(found: unknown): Cell {
  if (Array.isArray(found)) return found.length === 0 ? null : found.map(cellOf).join(', ');
  if (isRecord(found)) {
    const named = textAt(found, 'name');
    if (named !== null) return named;
    const pairs = Object.entries(found).map(([name, inner]) => `${name}=${String(cellOf(inner))}`);
    return pairs.length === 0 ? null : pairs.join(' ');
  }
  const plain = ['string', 'number', 'boolean'].includes(typeof found);
  return plain ? (found as string | number | boolean) : null;
}

/** `2027-01-01 12:00:00` in UTC; null where there is no time. */
export function timeAt(value: unknown, path: string): Cell {
  const text = textAt(value, path);
  return text === null ? null : text.replace('T', ' ').replace(/(?:\.\d+)?Z$/, '');
}

/** `90d`, `forever`; null where nothing is said. */
export function retentionAt(value: unknown): Cell {
  const seconds = at(value, 'retention');
  return typeof seconds === 'number' ? formatRetention(seconds) : null;
}
