import { setTimeout as pause } from 'node:timers/promises';
import type { Analyser, AnalysisChanges } from '../domain/analysis.ts';
import type { CastEvent, RecordingLibrary } from '../domain/recording.ts';
import { NO_KEYS } from '../domain/recording-keys.ts';
import { KeyRing } from '../envelope/key-ring.ts';
import { GrowingCast } from '../recorder/growing-cast.ts';
import { analyserOf } from './analyser.ts';

/** Milliseconds between two looks at a recording that is being written. */
const LOOK_MS = 250;

/** Seconds that an event may come later than it happened. */
const LATE = 1;

/** UTF-16 units of events after which what was found is handed over. */
const PIECE = 512 * 1024;

/** Of the time that was worked, so much is rested: others use this processor too. */
const REST = 1 / 4;

/** Hands over what was found; settles when it was kept. */
export type Keep = (changes: AnalysisChanges) => Promise<void>;

/** What a reader is told from outside. */
export interface Wishes {
  /** Nobody writes it any more. */
  finishing: boolean;
  dropped: boolean;
}

async function handOver(analyser: Analyser, keep: Keep): Promise<void> {
  const changes = analyser.take();
  if (changes.commands.length > 0 || changes.blocks.length > 0) await keep(changes);
}

/** Reads a recording that has ended, a piece at a time, and rests. */
export async function readEnded(
  library: RecordingLibrary,
  { key, channel }: { readonly key: string; readonly channel: number },
  keep: Keep,
  wishes: Wishes,
): Promise<void> {
  const { cols, rows, pty, command } = await library.header(key);
  const analyser = analyserOf({ channel, cols, rows, pty, command }, null);
  let units = 0;
  let began = performance.now();
  for await (const event of library.events(key)) {
    analyser.feed(event);
    units += event.data.length;
    if (units < PIECE) continue;
    units = 0;
    await pause((performance.now() - began) * REST);
    await handOver(analyser, keep);
    if (wishes.dropped) return;
    began = performance.now();
  }
  analyser.end();
  await handOver(analyser, keep);
}

/** Follows a recording while it is written, to its last seal or until nobody writes it any more. */
export async function readGrowing(
  root: string,
  { key, channel }: { readonly key: string; readonly channel: number },
  keep: Keep,
  wishes: Wishes,
): Promise<void> {
  // Without keys: what is found is kept in the clear.
  const cast = await GrowingCast.open({ root, ring: new KeyRing(NO_KEYS) }, key);
  try {
    const { cols, rows, pty, command } = cast.header;
    const analyser = analyserOf({ channel, cols, rows, pty, command }, null);
    await follow(cast, analyser, keep, wishes);
    if (wishes.dropped) return;
    analyser.end();
    await handOver(analyser, keep);
  } finally {
    await cast.close();
  }
}

async function follow(
  cast: GrowingCast,
  analyser: Analyser,
  keep: Keep,
  wishes: Wishes,
): Promise<void> {
  let last = 0;
  let readAt = performance.now();
  while (!wishes.dropped && cast.ended === null) {
    const { finishing } = wishes;
    const began = performance.now();
    const events: readonly CastEvent[] = await cast.read();
    for (const event of events) analyser.feed(event);
    const newest = events.at(-1);
    if (newest === undefined) {
      if (finishing) return;
      analyser.idle(last + (performance.now() - readAt) / 1000 - LATE);
      await pause(LOOK_MS);
    } else {
      last = newest.at;
      readAt = performance.now();
      await pause((readAt - began) * REST);
    }
    await handOver(analyser, keep);
  }
}
