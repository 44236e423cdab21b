import type { CastEvent, RecordingView } from '../domain/recording.ts';
import type { FullHeader } from './header.ts';
import { Intervals } from './interval.ts';
import { noteLine } from './note.ts';

/** A recording's header and its events, once through. */
export interface CastSource {
  readonly header: FullHeader;
  events(): AsyncIterable<CastEvent>;
}

/** The recording as the view shows it; null: as it is. */
export function seenThrough(source: CastSource, view: RecordingView | null): CastSource {
  if (view === null) return source;
  const { command } = source.header;
  return {
    header: {
      ...source.header,
      command: command === null ? null : view.text(command),
      redacted: view.rules,
    },
    events: () => view.show(source.events()),
  };
}

/** Asciicast v3 of all events, each with its newline: what is read off a file that was not made of one. */
export async function* copyLines(source: CastSource, header: string): AsyncGenerator<string> {
  const intervals = new Intervals();
  yield `${header}\n`;
  for await (const { at, code, data, isError } of source.events()) {
    if (isError) yield noteLine('stderr', String(data.length));
    const time = intervals.next(Math.round(at * 1_000_000));
    yield `[${time},"${code}",${JSON.stringify(data)}]\n`;
  }
}
