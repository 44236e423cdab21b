/** One page of a list, newest first: by number, or after a key (keyset), never both. */
export interface PageRequest {
  /** Rows; 1 to 100. */
  readonly limit: number;
  /** From 1. */
  readonly page?: number;
  /** Rows with a key below this one. */
  readonly before?: number;
}

export interface Page<Row> {
  readonly rows: readonly Row[];
  /** All rows that the filter finds; null where the request was by key. */
  readonly total: number | null;
  /** The key to pass as `before` for the next page; null at the end. */
  readonly next: number | null;
}

export const DEFAULT_LIMIT = 20;
export const MAX_LIMIT = 100;
