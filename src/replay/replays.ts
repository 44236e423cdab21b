import type { DerivedFile } from '../domain/derived-file.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { RecordingLibrary } from '../domain/recording.ts';
import { NO_KEYS, type RecordingKeys } from '../domain/recording-keys.ts';
import type { Redaction, RedactionRules } from '../domain/redaction.ts';
import type { ReplayIndex, ReplayState, Replays } from '../domain/replay.ts';
import { readSegment, readTable } from './index-file.ts';
import type { Table } from './table.ts';
import { BuildThread } from './thread.ts';

/** Recordings that wait for their index; further ones get theirs when somebody opens them. */
const MOST_WAITING = 1000;

/** Tables that are kept in memory. */
const MOST_TABLES = 16;

/** Milliseconds before what has failed is tried again. */
const FAILED_MS = 60_000;
const MOST_FAILED = 100;

interface ReplaysOptions {
  readonly library: RecordingLibrary;
  /** Where the recordings lie. */
  readonly root: string;
  /** What opens those that are encrypted; left out: nothing. */
  readonly keys?: RecordingKeys;
  /** The thread's module: see src/app/replay-worker.ts. */
  readonly worker: URL;
  readonly log: Logger;
  /** Null: indexes of recordings as they are; else of how they are shown by these rules. */
  readonly shown: ShownBy | null;
}

interface ShownBy {
  readonly rules: RedactionRules;
  readonly redaction: Pick<Redaction, 'rules' | 'prepare'>;
}

/** Keeps at most `most`, the newest. */
function keepNewest<T>(map: Map<string, T>, key: string, value: T, most: number): void {
  map.delete(key);
  map.set(key, value);
  for (const old of map.keys()) {
    if (map.size <= most) break;
    map.delete(old);
  }
}

/** Makes indexes one at a time, and reads them. */
export class FileReplays implements Replays {
  readonly #options: ReplaysOptions;
  readonly #waiting = new Set<string>();
  readonly #failed = new Map<string, number>();
  readonly #tables = new Map<string, { readonly file: DerivedFile; readonly table: Table }>();
  /** Without a thread: its recording is brought here. */
  #building: { readonly key: string; thread: BuildThread | null } | null = null;
  /** How many were being made and are not any more. */
  #ended = 0;
  #isClosed = false;

  constructor(options: ReplaysOptions) {
    this.#options = options;
  }

  async prepare(key: string): Promise<ReplayState> {
    const looked = (await this.#options.shown?.redaction.prepare(key)) ?? null;
    // The first half of it: the index is made of what is found then.
    if (looked?.state === 'preparing') return { ...looked, progress: looked.progress / 2 };
    if (looked?.state === 'failed') return looked;
    const ended = this.#ended;
    try {
      if ((await this.#table(key)) !== null) return { state: 'ready' };
    } catch (thrown) {
      this.#fail(key, thrown);
    }
    // It may have got its index while that was looked for: another one would take it away.
    if (ended !== this.#ended) return this.prepare(key);
    const failedAt = this.#failed.get(key);
    if (failedAt !== undefined && performance.now() - failedAt < FAILED_MS) {
      return { state: 'failed' };
    }
    if (this.#building?.key === key) {
      return { state: 'preparing', progress: this.#building.thread?.progress ?? 0 };
    }
    // Before those that nobody waits for.
    const others = [...this.#waiting].filter((one) => one !== key);
    this.#waiting.clear();
    for (const one of [key, ...others]) this.#waiting.add(one);
    this.#next();
    return { state: 'preparing', progress: 0 };
  }

  later(key: string): void {
    if (this.#waiting.size >= MOST_WAITING) return;
    this.#waiting.add(key);
    this.#next();
  }

  index(key: string): Promise<ReplayIndex | null> {
    return this.#table(key);
  }

  async segment(key: string, build: string, segment: number) {
    if (this.#tables.get(key)?.table.build !== build) await this.#table(key);
    const known = this.#tables.get(key);
    if (known?.table.build !== build) return null;
    if (known.table.starts[segment] === undefined) return null;
    const bytes = await readSegment(known.file, known.table, segment);
    if (bytes !== null) return bytes;
    // Damaged: the next who opens the recording has it made anew.
    await known.file.remove();
    this.#tables.delete(key);
    return null;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#waiting.clear();
    await this.#building?.thread?.stop();
  }

  /** Of the recording as it is now; from memory when the file has been read before. */
  async #table(key: string): Promise<Table | null> {
    const { library, shown } = this.#options;
    const stored = await library.stat(key);
    if (stored === null) return null;
    const kind = shown === null ? 'replay' : 'replay-redacted';
    const file = await library.replayFile(key, kind);
    const table = await readTable(file);
    const { size, modifiedAt } = stored;
    const isSame = table?.source.size === size && table.source.modified === modifiedAt.getTime();
    if (!isSame || table.source.rules !== (shown?.redaction.rules ?? null)) {
      this.#tables.delete(key);
      return null;
    }
    keepNewest(this.#tables, key, { file, table }, MOST_TABLES);
    return table;
  }

  #next(): void {
    const [key] = this.#waiting;
    if (key === undefined || this.#building !== null || this.#isClosed) return;
    this.#waiting.delete(key);
    this.#building = { key, thread: null };
    this.#build(this.#building)
      .catch((thrown: unknown) => this.#fail(key, thrown))
      .finally(() => {
        this.#building = null;
        this.#ended += 1;
        this.#tables.delete(key);
        this.#next();
      });
  }

  async #build(building: { readonly key: string; thread: BuildThread | null }): Promise<void> {
    const { library, root, keys = NO_KEYS, worker, shown } = this.#options;
    const { key } = building;
    await library.bring(key);
    if (this.#isClosed) return;
    const rules = shown?.rules ?? null;
    building.thread = new BuildThread(worker, { root, keys, key, rules });
    await building.thread.done;
  }

  #fail(key: string, thrown: unknown): void {
    if (this.#isClosed) return;
    this.#options.log.warn('a replay index could not be made', { key, reason: reasonOf(thrown) });
    keepNewest(this.#failed, key, performance.now(), MOST_FAILED);
  }
}
