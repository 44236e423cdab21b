import { setTimeout as delay } from 'node:timers/promises';

const LOOK_MS = 25;

/**
 * The first answer of `look` that is true, in the way of JavaScript; rejects at the deadline with
 * `what` and the last answer or error. For what happens in other processes, where no event says so.
 */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  deadlineMs = 20_000,
): Promise<NonNullable<T>> {
  const end = performance.now() + deadlineMs;
  let last: unknown;
  while (performance.now() < end) {
    try {
      const answer = await look();
      last = answer;
      if (answer) return answer;
    } catch (error) {
      last = error;
    }
    await delay(LOOK_MS);
  }
  const seen = last instanceof Error ? last.message : JSON.stringify(last);
  throw new Error(`not within ${deadlineMs} ms: ${what} (last seen: ${seen})`);
}

/** The promise's answer, or a rejection that names what did not come in time. */
export async function within<T>(
  what: string,
  promise: Promise<T>,
  deadlineMs = 20_000,
): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error(`not within ${deadlineMs} ms: ${what}`));
  }, deadlineMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
