import { parseRetention, RETENTION_RULE } from '../../domain/retention.ts';
import type { Entry, SetupReader } from './reader.ts';

/** Seconds that recordings are kept, of a machine or a group; null: it does not say. */
export function readRetention(reader: SetupReader, entry: Entry | undefined): number | null {
  if (entry === undefined) return null;
  const isOne = (text: string): boolean => parseRetention(text) !== null;
  return parseRetention(reader.textThat(entry, isOne, RETENTION_RULE));
}
