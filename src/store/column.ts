import type { ColumnType } from 'kysely';

/** Has a default: may be left out of an insert. */
export type Defaulted<T> = ColumnType<T, T | undefined, T>;

/** Never changes once written. */
export type Fixed<T> = ColumnType<T, T, never>;
