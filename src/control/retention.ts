import type {
  KeptRecording,
  Retention,
  RetentionSweeper,
  SweepOptions,
  Swept,
} from '../domain/kept-recording.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { RecordingLibrary } from '../domain/recording.ts';
import { removeRecording } from '../domain/removal.ts';
import type { Store } from '../domain/store.ts';

/** Milliseconds between two sweeps. */
const PERIOD_MS = 10 * 60_000;

/** Recordings that one sweep deletes; the next goes on. */
const MOST = 500;

/** Whose the deletions of the bastion itself are. */
const ITSELF = { by: 'retention', userId: null, source: null };

type Due = KeptRecording & { readonly why: 'age' | 'size' };

export interface RetentionDeps {
  readonly store: Store;
  readonly library: Pick<RecordingLibrary, 'remove'>;
  /** Its files are on this node, and no other sweeps them. */
  readonly node: string;
  readonly retention: Retention;
  readonly log: Logger;
  readonly clock: () => Date;
}

/** Deletes the recordings of this node that were kept long enough, or are too much. */
export class RetentionSweep implements RetentionSweeper {
  readonly #deps: RetentionDeps;
  #timer: NodeJS.Timeout | undefined;
  /** One sweep behind the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(deps: RetentionDeps) {
    this.#deps = deps;
  }

  /** From now on, until `close`. */
  begin(): void {
    this.#timer = setInterval(() => this.#sweepQuietly(), PERIOD_MS);
    this.#timer.unref();
    this.#sweepQuietly();
  }

  /** Settles when the sweep that is under way is over. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#last;
  }

  sweep(options: SweepOptions): Promise<Swept> {
    const sweeping = this.#last.then(() => this.#sweep(options));
    this.#last = sweeping.catch(() => undefined);
    return sweeping;
  }

  #sweepQuietly(): void {
    const { log } = this.#deps;
    this.sweep({ dryRun: false, who: ITSELF }).then(
      ({ count, bytes }) => {
        if (count > 0)
          log.info('recordings were deleted, as they were kept long enough', { count, bytes });
      },
      (error) => log.warn('old recordings could not be looked for', { reason: reasonOf(error) }),
    );
  }

  async #sweep({ dryRun, who }: SweepOptions): Promise<Swept> {
    const due = await this.#due();
    const gone: Due[] = [];
    for (const one of due) if (dryRun || (await this.#remove(one, who))) gone.push(one);
    const bytes = gone.reduce((sum, { recording }) => sum + (recording.size ?? 0), 0);
    return { count: gone.length, bytes, recordings: gone, more: due.length === MOST };
  }

  async #due(): Promise<readonly Due[]> {
    const { store, node, retention, clock } = this.#deps;
    const { recordings } = store;
    const expired = await recordings.expired(node, retention.age, clock(), MOST);
    const due: Due[] = expired.map((one) => ({ ...one, why: 'age' }));
    if (retention.size === 0 || due.length === MOST) return due;
    let size = await recordings.size(node);
    for (const { recording } of expired) size -= recording.size ?? 0;
    if (size <= retention.size) return due;
    const known = new Set(expired.map(({ recording }) => recording.id));
    for (const one of await recordings.oldest(node, MOST)) {
      if (size <= retention.size || due.length === MOST) break;
      if (known.has(one.recording.id)) continue;
      due.push({ ...one, why: 'size' });
      size -= one.recording.size ?? 0;
    }
    return due;
  }

  /** One that cannot be deleted is said, and does not keep the others. */
  async #remove(due: Due, who: SweepOptions['who']): Promise<boolean> {
    const { store, library, log, clock } = this.#deps;
    const detail = { why: due.why };
    try {
      const remover = { ...who, at: clock(), detail };
      return (await removeRecording(store, library, due, remover)) === 'removed';
    } catch (error) {
      const { key } = due.recording;
      log.error('a recording could not be deleted', { key, reason: reasonOf(error) });
      return false;
    }
  }
}
