import { type Logger, reasonOf } from '../domain/log.ts';
import type { LeftOpen, RepairedRecording, RepairRecording } from '../domain/recording.ts';
import type { KeptDataKeys } from '../domain/recording-keys.ts';
import type { Recording } from '../domain/session.ts';
import type { Store } from '../domain/store.ts';

/** Milliseconds between two looks. */
const PERIOD_MS = 60_000;

/**
 * Milliseconds after a recording broke in which its file is left alone: a disk that has only stalled
 * may still be writing it (recorder/channel.ts gives up after 10 s).
 */
const QUIET_MS = 60_000;

/** Recordings that are looked for at once. */
const MOST = 100;

/** After so many that cannot be written, the others are left for the next look: it is the disk. */
const MOST_REFUSED = 10;

export interface BrokenRecordingsDeps {
  readonly store: Pick<Store, 'recordings'>;
  readonly repair: RepairRecording;
  readonly dataKeys: Pick<KeptDataKeys, 'forget'>;
  /** Its files are on this node. */
  readonly node: string;
  readonly log: Logger;
  readonly periodMs?: number;
  readonly quietMs?: number;
}

/**
 * Seals what is left of recordings that broke, as soon as their disk can be written again: cut to its
 * last whole event, with a mark, in the state that it has.
 */
export class BrokenRecordings {
  readonly #deps: BrokenRecordingsDeps;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | null = null;

  constructor(deps: BrokenRecordingsDeps) {
    this.#deps = deps;
  }

  /** From now on, until `close`. */
  begin(): void {
    const { periodMs = PERIOD_MS, quietMs = QUIET_MS } = this.#deps;
    this.#timer = setInterval(() => {
      this.#looking ??= this.#lookQuietly(new Date(Date.now() - quietMs)).finally(() => {
        this.#looking = null;
      });
    }, periodMs);
    this.#timer.unref();
  }

  /** Settles when the look that is under way is over. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  /** Those that broke before `before`, one after the other. Rejects when the database is away. */
  async mend(before: Date): Promise<void> {
    const { recordings } = this.#deps.store;
    let [after, refused] = [0, 0];
    for (let isLast = false; !isLast; ) {
      const broken = await recordings.broken(this.#deps.node, before, after, MOST);
      for (const recording of broken) {
        if (!(await this.#mendOne(recording))) refused += 1;
        if (refused === MOST_REFUSED) return;
        after = recording.id;
      }
      isLast = broken.length < MOST;
    }
  }

  async #lookQuietly(before: Date): Promise<void> {
    try {
      await this.mend(before);
    } catch (error) {
      this.#deps.log.debug('broken recordings could not be looked for', {
        reason: reasonOf(error),
      });
    }
  }

  /** False: the disk cannot be written yet. */
  async #mendOne(recording: Recording): Promise<boolean> {
    const { store, repair, dataKeys, log } = this.#deps;
    const left: LeftOpen = recording.state === 'gap' ? 'gap' : 'truncated';
    const repaired = await repair(recording.key, left);
    if (repaired === null) return false;
    await store.recordings.settle(recording, asItBroke(repaired, left));
    await dataKeys.forget(recording.key);
    const { key } = recording;
    if (repaired.receipt !== null) log.info('a broken recording was sealed', { key });
    return true;
  }
}

/** That its file came to a good end late does not make good how it broke. */
function asItBroke(repaired: RepairedRecording, left: LeftOpen): RepairedRecording {
  return repaired.receipt === null ? repaired : { ...repaired, state: left };
}
