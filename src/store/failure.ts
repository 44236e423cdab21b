import pg from 'pg';
import { type ErrorCode, type ErrorParams, PosternError } from '../domain/errors.ts';

/** SQLSTATE classes and codes (PostgreSQL, appendix A) that say nothing about the query itself. */
const UNAVAILABLE = [
  /^08/, // connection exception
  /^53/, // insufficient resources: connections, memory, disk
  /^57P0/, // shut down, crashed, starting up
  /^57014$/, // statement_timeout
  /^25P0[34]$/, // idle in a transaction, or in it, for too long
  /^55P03$/, // lock_timeout
  /^58/, // the system: I/O error
];

function sqlState(error: unknown): string | null {
  return error instanceof pg.DatabaseError ? (error.code ?? null) : null;
}

/**
 * A failure to reach the database (or to hear from it in time) as `store.down`; anything else as it
 * is: what the database said about a query, and mistakes of ours.
 */
export function translated(error: unknown): unknown {
  if (error instanceof PosternError || error instanceof TypeError) return error;
  const state = sqlState(error);
  const down = state === null || UNAVAILABLE.some((pattern) => pattern.test(state));
  return down ? new PosternError('store.down', {}, { cause: error }) : error;
}

/** What a violated constraint means to who asked. */
export interface Meaning {
  readonly code: ErrorCode;
  readonly params: ErrorParams;
}

/**
 * Awaits `work`; a unique violation is thrown as `unique` says, one of a foreign key as `foreign`
 * does, which is told the name of the constraint. Inside a transaction the transaction is lost too.
 */
export async function meaning<T>(
  violation: {
    readonly unique?: () => Meaning;
    readonly foreign?: (constraint: string) => Meaning;
  },
  work: Promise<T>,
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const found = meaningOf(violation, error);
    if (!found) throw error;
    throw new PosternError(found.code, found.params, { cause: error });
  }
}

function meaningOf(violation: Parameters<typeof meaning>[0], error: unknown): Meaning | undefined {
  const state = sqlState(error);
  if (state === '23505') return violation.unique?.();
  // 23001: restrict, 23503: any other foreign key (PostgreSQL 18 tells them apart, 13 does not).
  if (state !== '23503' && state !== '23001') return undefined;
  const constraint = error instanceof pg.DatabaseError ? error.constraint : undefined;
  return violation.foreign?.(constraint ?? '');
}
