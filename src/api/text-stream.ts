/** Characters gathered before they are handed to the reader. */
const BATCH = 64 * 1024;

/** The next of a text; null: there is no more. */
async function batchOf(source: AsyncGenerator<string>): Promise<string | null> {
  let text = '';
  while (text.length < BATCH) {
    const next = await source.next();
    if (next.done === true) return text === '' ? null : text;
    text += next.value;
  }
  return text;
}

/** Milliseconds that an answer waits for its beginning. */
const WAIT_MS = 2000;

/**
 * Text as bytes, read only as fast as it is taken; stops the source when nobody takes any more. What fails in the
 * beginning rejects, so that an answer can say so instead of breaking off; one that takes long begins without it.
 */
export async function textStream(
  source: AsyncGenerator<string>,
): Promise<ReadableStream<Uint8Array>> {
  const encoder = new TextEncoder();
  let first: Promise<string | null> | null = batchOf(source);
  const late = Promise.withResolvers<null>();
  const timer = setTimeout(() => late.resolve(null), WAIT_MS);
  await Promise.race([first, late.promise]).finally(() => clearTimeout(timer));
  // Whoever reads it hears of it.
  first.catch(() => undefined);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const batch = first ?? batchOf(source);
        first = null;
        const text = await batch;
        if (text === null) controller.close();
        else controller.enqueue(encoder.encode(text));
      },
      async cancel() {
        await source.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}
