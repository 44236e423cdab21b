/** What an API server says of how something ended (meta/v1 Status), as far as it is looked at. */
export interface Status {
  readonly succeeded: boolean;
  /** Of a program that ran; null: it did not, or nobody knows. */
  readonly code: number | null;
  /** For people; may be empty. */
  readonly message: string;
}

/** Null: it is no such thing. */
export function statusOf(text: string): Status | null {
  const whole = objectOf(text);
  if (whole === null) return null;
  const succeeded = whole['status'] === 'Success';
  return {
    succeeded,
    code: succeeded ? 0 : exitCodeOf(whole),
    message: typeof whole['message'] === 'string' ? whole['message'] : '',
  };
}

/** What the body of a refusal says; empty: nothing. */
export function messageOf(text: string): string {
  return statusOf(text)?.message ?? '';
}

function exitCodeOf(whole: Readonly<Record<string, unknown>>): number | null {
  if (whole['reason'] !== 'NonZeroExitCode') return null;
  const details = recordOf(whole['details']);
  const causes = Array.isArray(details?.['causes']) ? details['causes'].map(recordOf) : [];
  const cause = causes.find((one) => one?.['reason'] === 'ExitCode');
  const text = cause?.['message'];
  return typeof text === 'string' && /^[0-9]{1,10}$/.test(text) ? Number(text) : null;
}

function objectOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    return recordOf(JSON.parse(text));
  } catch {
    return null;
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null ? { ...value } : null;
}
