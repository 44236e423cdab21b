import type { CastEvent } from '../domain/recording.ts';
import { type CastSource, copyLines } from './cast-source.ts';
import type { FullHeader } from './header.ts';
import { Intervals, seconds } from './interval.ts';

/** What players of each version show. */
const SHOWN = { 2: ['o', 'r', 'm'], 3: ['o', 'r', 'm', 'x'] } as const;

/**
 * A program without a terminal ends its lines with a bare LF, which a terminal answers with a new
 * row and not a new line: adds the CR that the line discipline would have added.
 */
export class Newlines {
  #last = '';

  convert(text: string): string {
    const before = this.#last === '\r' ? '\r' : '';
    this.#last = text.at(-1) ?? this.#last;
    return `${before}${text}`.replace(/(?<!\r)\n/g, '\r\n').slice(before.length);
  }
}

function headerFor(version: 2 | 3, header: FullHeader): string {
  const { cols, rows, term, timestamp, command, title } = header;
  const { redacted = null, pty } = header;
  const described = {
    ...(timestamp === null ? {} : { timestamp }),
    ...(command === null ? {} : { command }),
    ...(title === null ? {} : { title }),
    ...(redacted === null ? {} : { postern: { pty, redacted } }),
  };
  if (version === 3) {
    const type = term === null ? {} : { type: term };
    return JSON.stringify({ version, term: { cols, rows, ...type }, ...described });
  }
  const env = term === null ? {} : { env: { TERM: term } };
  return JSON.stringify({ version, width: cols, height: rows, ...described, ...env });
}

/** What a player of `version` shows; at least one event, since asciinema-player refuses none. */
export async function* playbackEvents(
  version: 2 | 3,
  reader: CastSource,
): AsyncGenerator<CastEvent> {
  const newlines = reader.header.pty ? null : new Newlines();
  const shown: readonly string[] = SHOWN[version];
  let isEmpty = true;
  for await (const event of reader.events()) {
    if (!shown.includes(event.code)) continue;
    isEmpty = false;
    if (event.code !== 'o' || newlines === null) yield event;
    else yield { ...event, data: newlines.convert(event.data) };
  }
  if (isEmpty) yield { at: 0, code: 'o', data: '', isError: false };
}

/** The lines of a recording as a player of `version` wants them, each with its newline. */
export async function* playbackLines(version: 2 | 3, reader: CastSource): AsyncGenerator<string> {
  const intervals = new Intervals();
  yield `${headerFor(version, reader.header)}\n`;
  for await (const { at, code, data } of playbackEvents(version, reader)) {
    const micros = Math.round(at * 1_000_000);
    const time = version === 3 ? intervals.next(micros) : seconds(micros);
    yield `[${time},"${code}",${JSON.stringify(data)}]\n`;
  }
}

/** Asciicast v3 for a download of what is shown of a recording: all events, as they lie. */
export function downloadLines(source: CastSource): AsyncGenerator<string> {
  return copyLines(source, headerFor(3, source.header));
}
