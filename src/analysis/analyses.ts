import { setTimeout as pause } from 'node:timers/promises';
import type { AnalysisChanges, AnalysisDue } from '../domain/analysis.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { RecordingLibrary } from '../domain/recording.ts';
import type { Store } from '../domain/store.ts';
import { VERSION } from './analyser.ts';
import { AnalysisThread } from './thread.ts';

/** Milliseconds between two looks for recordings. */
const LOOK_MS = 1000;

/** Recordings that are looked for at once. */
const MOST = 500;

/** Recordings that are followed at once; further ones are read when they have ended. */
const MOST_FOLLOWED = 200;

/** Why it is left alone: its text would lie open in the database. */
const ENCRYPTED = 'it is encrypted, and what it holds is not kept in the clear';

/** Milliseconds before the database is tried again. */
const AGAIN_MS = 1000;

export interface AnalysesDeps {
  readonly store: Pick<Store, 'analyses'>;
  readonly node: string;
  readonly library: Pick<RecordingLibrary, 'bring' | 'locking'>;
  /** Where the recordings lie. */
  readonly root: string;
  readonly log: Logger;
  /** Told of what was kept; where it rejects, it is told again. */
  readonly kept?: (recordingId: number, changes: AnalysisChanges) => Promise<void>;
}

/** Reads this node's recordings, as they come and as they are waited for, and keeps what they hold. */
export class NodeAnalyses {
  readonly #deps: AnalysesDeps;
  /** For those that go on, and for one that has ended: what breaks the one leaves the other. */
  readonly #following: AnalysisThread;
  readonly #reading: AnalysisThread;
  /** Followed ones with their jobs; null: being begun. */
  readonly #followed = new Map<number, number | null>();
  #isReading = false;
  /** Those whose following broke: they are read when they have ended. */
  readonly #broken = new Set<number>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | null = null;
  #isClosed = false;

  constructor(deps: AnalysesDeps) {
    this.#deps = deps;
    this.#following = new AnalysisThread('following for analysis', { root: deps.root });
    this.#reading = new AnalysisThread('analysis', { root: deps.root });
  }

  /** From now on, until `close`. */
  begin(): void {
    this.#timer = setInterval(() => this.look(), LOOK_MS);
    this.#timer.unref();
    const { store, node, log } = this.#deps;
    store.analyses.outdated(node, VERSION).then(
      (count) => {
        if (count > 0) log.info('recordings are read anew for commands and text', { count });
      },
      (error: unknown) => log.warn('nobody looked what to read anew', { reason: reasonOf(error) }),
    );
    this.look();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#looking;
    await Promise.all([this.#following.close(), this.#reading.close()]);
  }

  look(): void {
    if (this.#isClosed || this.#looking !== null) return;
    this.#looking = this.#look()
      .catch((error: unknown) => {
        this.#deps.log.debug('nobody looked for recordings to read', { reason: reasonOf(error) });
      })
      .finally(() => {
        this.#looking = null;
      });
  }

  async #look(): Promise<void> {
    const { store, node } = this.#deps;
    const due = await store.analyses.due(node, MOST);
    for (const one of due) {
      const followed = this.#followed.get(one.recordingId);
      if (followed !== undefined) {
        if (!one.isLive && followed !== null) this.#following.finish(followed);
      } else if (!one.isLive) {
        await this.#read(one);
      } else if (!this.#broken.has(one.recordingId) && this.#followed.size < MOST_FOLLOWED) {
        await this.#follow(one);
      }
    }
  }

  /** Whether it is left alone, which is noted then. */
  async #leaves({ recordingId, key }: AnalysisDue): Promise<boolean> {
    const { store, library } = this.#deps;
    if (!(await library.locking(key)).isEncrypted) return false;
    const { analyses } = store;
    if (await analyses.begin(recordingId, VERSION)) await analyses.end(recordingId, ENCRYPTED);
    return true;
  }

  async #follow(due: AnalysisDue): Promise<void> {
    const { recordingId: id, key, channel } = due;
    if (await this.#leaves(due)) return;
    if (!(await this.#deps.store.analyses.begin(id, VERSION)) || this.#isClosed) return;
    const job = this.#following.read({
      ...{ key, channel, isLive: true },
      keep: (changes) => this.#keep(id, changes),
      over: (reason) => {
        this.#followed.delete(id);
        if (reason === null) this.#end(due, null);
        else this.#brokeOff(due, reason);
      },
    });
    this.#followed.set(id, job);
  }

  #brokeOff({ recordingId, key }: AnalysisDue, reason: string): void {
    if (this.#isClosed) return;
    this.#broken.add(recordingId);
    this.#deps.log.warn('a recording is not followed for its commands', { key, reason });
  }

  async #read(due: AnalysisDue): Promise<void> {
    if (this.#isReading || (await this.#leaves(due))) return;
    this.#isReading = true;
    try {
      if (await this.#readyToRead(due)) this.#readNow(due);
      else this.#isReading = false;
    } catch (error) {
      this.#isReading = false;
      throw error;
    }
  }

  /** Rejects when the database does not answer. */
  async #readyToRead(due: AnalysisDue): Promise<boolean> {
    const { store, library } = this.#deps;
    if (!(await store.analyses.begin(due.recordingId, VERSION)) || this.#isClosed) return false;
    try {
      await library.bring(due.key);
      return !this.#isClosed;
    } catch (error) {
      this.#end(due, reasonOf(error));
      return false;
    }
  }

  #readNow(due: AnalysisDue): void {
    const { recordingId: id, key, channel } = due;
    this.#broken.delete(id);
    this.#reading.read({
      ...{ key, channel, isLive: false },
      keep: (changes) => this.#keep(id, changes),
      over: (reason) => {
        this.#isReading = false;
        this.#end(due, reason);
      },
    });
  }

  /** As long as the database is away, it is waited for. */
  async #keep(recordingId: number, changes: AnalysisChanges): Promise<boolean> {
    while (!this.#isClosed) {
      try {
        const isKept = await this.#deps.store.analyses.write(recordingId, changes);
        if (isKept) await this.#deps.kept?.(recordingId, changes);
        return isKept;
      } catch (error) {
        this.#deps.log.debug('what a recording holds was not kept', { reason: reasonOf(error) });
        await pause(AGAIN_MS, undefined, { ref: false });
      }
    }
    return false;
  }

  /** What is not noted now is due again. */
  #end({ recordingId, key }: AnalysisDue, reason: string | null): void {
    if (this.#isClosed) return;
    const { store, log } = this.#deps;
    if (reason !== null)
      log.warn('a recording could not be read for its commands', { key, reason });
    store.analyses
      .end(recordingId, reason)
      .then(() => this.look())
      .catch((error: unknown) =>
        log.debug('the end of an analysis was not noted', { reason: reasonOf(error) }),
      );
  }
}
