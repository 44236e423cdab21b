import { setTimeout as sleep } from 'node:timers/promises';
import { Drawing } from './drawing.ts';
import { linesOf } from './lines.ts';
import { CommandFailure } from './shell.ts';
import { at } from './wire.ts';

export interface PlaybackOptions {
  /** 2: twice as fast. */
  readonly speed: number;
  /** Seconds; a longer pause is made as long as this. */
  readonly idle: number;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Waits `milliseconds`, at most until the signal. */
  readonly wait?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/** Ends colours, mouse reports, the alternate screen and a hidden cursor that a recording left on. */
export const RESET = '\u001b[0m\u001b[?1000;1002;1003;1006;2004l\u001b[?1049l\u001b[?25h';

const DELAY_AT_LEAST = 1;

/**
 * Plays an asciicast (v2 or v3) to `out` with its timing. `terminal`: then what draws alone goes there, and what the
 * recording left switched on is switched off at the end. Throws CommandFailure for what is no asciicast.
 */
export async function playCast(
  body: ReadableStream<Uint8Array>,
  out: NodeJS.WritableStream,
  terminal: boolean,
  options: PlaybackOptions,
): Promise<void> {
  const wait = options.wait ?? pause;
  const { signal, idle, speed } = options;
  const drawing = new Drawing();
  let begun = false;
  try {
    for await (const { gap, code, data } of eventsOf(body)) {
      begun = true;
      const delay = (Math.min(gap, idle) / speed) * 1000;
      if (delay >= DELAY_AT_LEAST && !signal.aborted) await wait(delay, signal);
      if (signal.aborted) break;
      if (code === 'o') await put(out, terminal ? drawing.take(data) : data);
    }
  } finally {
    if (terminal && begun) out.write(RESET);
  }
}

interface CastEvent {
  readonly time: number;
  readonly code: string;
  readonly data: string;
}

/** The events of an asciicast, each with the seconds since the one before. */
async function* eventsOf(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<CastEvent & { readonly gap: number }> {
  let version: number | null = null;
  let last = 0;
  for await (const line of linesOf(body)) {
    // asciicast v3 has comments.
    if (line === '' || line.startsWith('#')) continue;
    if (version === null) {
      version = versionOf(line);
      continue;
    }
    const event = eventOf(line);
    if (event === null) return;
    // Version 3 writes intervals, version 2 seconds since the start.
    yield { ...event, gap: version === 3 ? event.time : event.time - last };
    last = event.time;
  }
  if (version === null) throw new CommandFailure(1, 'the recording is empty');
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}

function versionOf(line: string): number {
  const version = at(parse(line), 'version');
  if (version === 2 || version === 3) return version;
  throw new CommandFailure(1, 'the recording is no asciicast of version 2 or 3');
}

function eventOf(line: string): CastEvent | null {
  const event = parse(line);
  if (!Array.isArray(event)) return null;
  const [time, code, data]: readonly unknown[] = event;
  const whole = typeof time === 'number' && typeof code === 'string' && typeof data === 'string';
  return whole ? { time, code, data } : null;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // A recording that is still being written, or was cut, may end in half a line.
    return null;
  }
}

/** Resolves when there is room for more, or nobody reads any more. */
export function put(out: NodeJS.WritableStream, text: string): Promise<void> {
  if (!out.writable || out.write(text)) return Promise.resolve();
  return new Promise((resolve) => {
    const go = (): void => {
      for (const event of ['drain', 'close', 'error']) out.off(event, go);
      resolve();
    };
    for (const event of ['drain', 'close', 'error']) out.on(event, go);
  });
}
