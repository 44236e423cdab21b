/** Rejects as soon as nobody waits any more. */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const called = Promise.withResolvers<never>();
  const leave = (): void => called.reject(signal.reason);
  signal.addEventListener('abort', leave);
  try {
    return await Promise.race([work, called.promise]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}
