import { setTimeout as rest } from 'node:timers/promises';
import type { RecordingLibrary } from '../domain/recording.ts';
import { Masker } from './masker.ts';
import { type FoundMasks, writeMasks } from './masks-file.ts';
import type { Job } from './messages.ts';
import type { RuleSet } from './rule-set.ts';

/** UTF-16 units between two rests, and how much of the time that was worked is rested: others use this processor too. */
const STRETCH = 512 * 1024;
const REST = 1 / 4;

/**
 * Looks a recording through, and puts what was found beside it. Bounded memory. Rejects with `recording.missing` and
 * `recording.damaged`, when a terminal is too large to be followed, and when more is secret than can be noted.
 */
export async function lookThrough(
  library: RecordingLibrary,
  { key, path, size, modified }: Job,
  rules: { readonly whole: RuleSet; readonly begun: RuleSet },
  report: (progress: number) => void,
): Promise<FoundMasks> {
  const masker = new Masker(await library.header(key), rules.whole);
  let worked = performance.now();
  let units = 0;
  let done = 0;
  for await (const event of library.events(key)) {
    masker.add(event);
    units += event.data.length;
    if (units < STRETCH) continue;
    done += units;
    units = 0;
    report(Math.min(0.99, done / Math.max(1, size)));
    await rest((performance.now() - worked) * REST);
    worked = performance.now();
  }
  masker.end(path === null ? rules.begun : null);
  const numbers = masker.masks.toNumbers();
  const times = await timesOf(library, key, masker);
  const found = { rules: rules.whole.id, size, modified, events: masker.events, numbers, times };
  if (path !== null) await writeMasks(path, found);
  return found;
}

/** Of the events of which something is hidden. They are only known in the end, so the recording is read again. */
async function timesOf(
  library: RecordingLibrary,
  key: string,
  { masks, events }: Masker,
): Promise<readonly number[]> {
  const times: number[] = [];
  if (masks.size === 0) return times;
  let event = 0;
  for await (const { at } of library.events(key)) {
    if (event >= events) break;
    if (masks.hasAny(event) && times.at(-1) !== at) times.push(at);
    event += 1;
  }
  return times;
}
