import { randomBytes } from 'node:crypto';
import { setTimeout as rest } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { RecordingLibrary, RecordingView } from '../domain/recording.ts';
import { Segmenter } from './segmenter.ts';
import { encodeTable } from './table.ts';

/**
 * UTF-16 units of events in one segment: what a seek reads and replays at most, some 10 ms of it, and
 * enough for a keyframe not to weigh.
 */
const SEGMENT = 512 * 1024;

/** Beyond this many, segments get larger: the index is read in one piece. */
const MOST_SEGMENTS = 10_000;

/** Of the time that was worked, so much is rested: others use this processor too. */
const REST = 1 / 4;

type Append = (bytes: Uint8Array) => Promise<void>;

/** Segments go to the end of a file, each compressed by itself. */
class SegmentFile {
  readonly #append: Append;
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  size = 0;

  constructor(append: Append) {
    this.#append = append;
  }

  async add(start: number, json: string): Promise<void> {
    this.starts.push(start);
    await this.write(gzipSync(json, { level: 1 }));
    this.ends.push(this.size);
  }

  async write(bytes: Buffer): Promise<void> {
    await this.#append(bytes);
    this.size += bytes.length;
  }
}

/**
 * Makes the index of a recording, beside it; one that is there is replaced when the new one is whole.
 * Reads the recording once, in bounded memory. Rejects with `recording.missing` and
 * `recording.damaged`, and when a terminal is too large to be followed. `report` is told how much is
 * done, 0 to 1. With a view it is the index of what that shows.
 */
export async function buildReplay(
  library: RecordingLibrary,
  key: string,
  report: (progress: number) => void,
  view: RecordingView | null = null,
): Promise<void> {
  const file = await library.replayFile(key, view === null ? 'replay' : 'replay-redacted');
  await file.replace((append) => writeIndex({ library, key, view, report }, append));
}

interface Build {
  readonly library: RecordingLibrary;
  readonly key: string;
  readonly view: RecordingView | null;
  readonly report: (progress: number) => void;
}

async function writeIndex({ library, key, view, report }: Build, append: Append): Promise<void> {
  const stored = await library.stat(key);
  const size = stored?.size ?? 0;
  const { cols, rows } = await library.header(key);
  const segmenter = new Segmenter(cols, rows, Math.max(SEGMENT, size / MOST_SEGMENTS));
  const file = new SegmentFile(append);
  let worked = performance.now();
  let done = 0;
  for await (const event of library.playback(key, view ?? undefined)) {
    const segment = segmenter.add(event);
    if (segment === null) continue;
    await file.add(segment.start, segment.json);
    done += segment.json.length;
    report(Math.min(0.99, done / Math.max(1, size)));
    await rest((performance.now() - worked) * REST);
    worked = performance.now();
  }
  const rules = view?.rules ?? null;
  const last = segmenter.end();
  await file.add(last.start, last.json);
  const table = encodeTable(
    {
      build: randomBytes(16).toString('hex'),
      source: { size, modified: stored?.modifiedAt.getTime() ?? 0, rules },
      ...{ cols, rows, duration: segmenter.duration, markers: segmenter.markers },
      ...{ starts: file.starts, ends: file.ends },
    },
    file.size,
  );
  await file.write(table);
}
