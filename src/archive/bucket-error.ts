/**
 * `away`: the store did not answer, or said to come again; what was asked may be asked once more later.
 * `gone`: what was asked for is not there. `refused`: it will not do it (rights, no such bucket, …).
 */
export type Trouble = 'away' | 'gone' | 'refused';

/** Why the store did not do what it was asked. */
export class BucketError extends Error {
  readonly trouble: Trouble;

  constructor(trouble: Trouble, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'BucketError';
    this.trouble = trouble;
  }
}

/** Answers that another try may change: RFC 9110 §15, and Amazon's for a connection that idled. */
const PASSING: readonly number[] = [408, 425, 429, 500, 502, 503, 504, 507];
const PASSING_CODES: readonly string[] = ['RequestTimeout', 'SlowDown', 'OperationAborted'];

/** From the status, and the code in the body of S3's answer ('' where there was none). */
export function errorOfAnswer(what: string, status: number, code: string): BucketError {
  const said = `${what}: the store answered ${status}${code === '' ? '' : ` ${code}`}`;
  if (PASSING.includes(status) || PASSING_CODES.includes(code))
    return new BucketError('away', said);
  if (status >= 300 && status < 400) {
    return new BucketError('refused', `${said}: endpoint or region is another one`);
  }
  const isGone = status === 404 && code !== 'NoSuchBucket';
  return new BucketError(isGone ? 'gone' : 'refused', said);
}

/** What a request met on its way: an address that nobody has, a deadline, a connection that broke. */
export function errorOfWay(what: string, thrown: unknown): BucketError {
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  const why = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new BucketError('away', `${what}: ${why}`, thrown);
}
