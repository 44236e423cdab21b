import { CommandFailure } from './shell.ts';

/** UTF-16 units; one event of a recording has far fewer. */
const LONGEST_LINE = 16 * 1024 * 1024;

/** The lines of a body of UTF-8 as they come, without their newlines. */
export async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = '';
  for await (const text of textOf(body)) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST_LINE) throw new CommandFailure(1, 'a line of the answer is too long');
    yield* lines;
  }
  if (rest !== '') yield rest;
}

/** A body of UTF-8 as it comes; characters split over chunks stay whole. */
export async function* textOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  try {
    for await (const chunk of body) yield decoder.decode(chunk, { stream: true });
  } catch (error) {
    throw new CommandFailure(1, 'the server stopped in the middle of its answer', { cause: error });
  }
  yield decoder.decode();
}

/** Without what would control a terminal: the server has taken it out; nobody has to trust it. */
export function harmless(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, '');
}
