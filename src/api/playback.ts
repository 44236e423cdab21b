import type { CastEvent, RecordingLibrary } from '../domain/recording.ts';
import type { Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { note } from './journal.ts';
import { findRecording } from './recording-files.ts';

/** Characters of output gathered before they are handed to the reader. */
const BATCH = 64 * 1024;

/**
 * A program without a terminal ends its lines with LF alone; a terminal needs CR LF. Carries over a
 * CR at the end of one event, so that CR LF that was cut in two stays as it is.
 */
export function terminalLines(): (text: string) => string {
  let afterReturn = false;
  return (text) => {
    if (text === '') return text;
    const fixed = text.replace(/(\r?)\n/g, (whole, cr: string, at: number) =>
      cr === '' && !(at === 0 && afterReturn) ? '\r\n' : whole,
    );
    afterReturn = text.endsWith('\r');
    return fixed;
  };
}

/** The recording line by line as the player takes it: asciicast v2 with at least one event. */
async function* lines(
  library: RecordingLibrary,
  key: string,
  pty: boolean,
): AsyncGenerator<string> {
  const { cols, rows, timestamp, title } = await library.header(key);
  const optional = {
    ...(timestamp === null ? {} : { timestamp }),
    ...(title === null ? {} : { title }),
  };
  yield `${JSON.stringify({ version: 2, width: cols, height: rows, ...optional })}\n`;
  const fix = pty ? (text: string) => text : terminalLines();
  let played = false;
  for await (const event of library.events(key)) {
    if (event.code !== 'o' && event.code !== 'r' && event.code !== 'm') continue;
    played = true;
    yield eventLine(event, event.code === 'o' ? fix(event.data) : event.data);
  }
  if (!played) yield eventLine({ at: 0, code: 'o', data: '' }, '');
}

function eventLine(event: CastEvent, data: string): string {
  return `${JSON.stringify([event.at, event.code, data])}\n`;
}

/** Text as bytes, read only as fast as it is taken; stops the source when nobody takes any more. */
export function streamed(source: AsyncGenerator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        let text = '';
        while (text.length < BATCH) {
          const next = await source.next();
          if (next.done === true) {
            if (text !== '') controller.enqueue(encoder.encode(text));
            controller.close();
            return;
          }
          text += next.value;
        }
        controller.enqueue(encoder.encode(text));
      },
      async cancel() {
        await source.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * What the replay page plays: the events of a channel up to now, those that a player cannot take
 * left out. Throws as `findRecording` does. Noted in the audit as a viewing.
 */
export async function playRecording(
  deps: ApiDeps,
  caller: Caller,
  id: number,
  channel: number,
): Promise<Response> {
  const { session, recording } = await findRecording(deps, caller, id, channel);
  const channels = await deps.store.sessions.channels(id);
  const pty = channels.find(({ number }) => number === channel)?.pty ?? true;
  await note(deps.store, caller, deps.clock(), 'recording.viewed', {
    sessionId: id,
    machineId: session.machineId,
    detail: { channel },
  });
  return new Response(streamed(lines(deps.recordings, recording.key, pty)), {
    headers: { 'Content-Type': 'application/x-asciicast', 'Cache-Control': 'no-store' },
  });
}
