import type { ArchiveState, ArchiveStore, ArchiveTask } from '../domain/archive.ts';
import { PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { StoredRecording } from '../domain/recording.ts';
import type { Store } from '../domain/store.ts';
import type { Bucket } from './bucket.ts';
import { BucketError } from './bucket-error.ts';
import type { LocalCopies } from './local-copies.ts';
import { Shipment } from './shipment.ts';
import type { Spool } from './spool.ts';
import { Waits } from './waits.ts';

/** Milliseconds between two looks at what there is to do, and at a store that nothing was asked of. */
const LOOK_MS = 1000;
const PROBE_MS = 30_000;

/** Recordings that are sent at once; each holds one part in memory. */
const LANES = 2;

/** Tasks of each kind that a look is told of. */
const MOST_TASKS = 200;

/** Milliseconds before a recording that failed by itself is tried again. */
const SET_ASIDE_MS = 10 * 60_000;

export interface ShipperOptions {
  readonly bucket: Bucket;
  readonly spool: Spool;
  readonly copies: LocalCopies;
  readonly store: Pick<Store, 'archive' | 'transaction'>;
  /** The size that readers see, of a file here. */
  readonly stat: (key: string) => Promise<StoredRecording | null>;
  readonly node: string;
  readonly log: Logger;
}

/**
 * Sends this node's recordings to the store, parts of them while they are written, and takes out what was
 * deleted. What there is to do, the database says, and what was done of it, so that a crash ends nothing.
 */
export class Shipper {
  readonly #options: ShipperOptions;
  readonly #archive: ArchiveStore;
  /** Of recordings that are not whole in the store. */
  readonly #shipments = new Map<string, Shipment>();
  readonly #active = new Map<string, Promise<void>>();
  /** When those may be tried again that failed by themselves. */
  readonly #aside = new Map<string, number>();
  readonly #waits = new Waits();
  #state: ArchiveState = 'up';
  #heardAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #waitingCount = 0;
  #isBlind = false;
  #isEnding = false;

  constructor(options: ShipperOptions) {
    this.#options = options;
    this.#archive = options.store.archive;
  }

  get state(): ArchiveState {
    return this.#state;
  }

  /** Recordings that have ended and are not in the store yet, as the last look found them: at most `MOST_TASKS`. */
  get waiting(): number {
    return this.#waitingCount;
  }

  /** From now on, until `close`. */
  begin(): void {
    this.#timer = setInterval(() => this.#beginLook(), LOOK_MS);
    this.#timer.unref();
    this.#beginLook();
  }

  /** Sends what has ended, for as long as `deadline` milliseconds; the next start goes on. */
  async close(deadline: number): Promise<void> {
    this.#isEnding = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    const { bucket } = this.#options;
    const timer = setTimeout(() => bucket.close(), deadline);
    this.#waits.skip();
    try {
      await this.#looking;
      await this.#look();
      while (this.#active.size > 0 && !bucket.isClosed) {
        await Promise.race(this.#active.values());
        await this.#look();
      }
    } finally {
      clearTimeout(timer);
      bucket.close();
      await Promise.all(this.#active.values());
    }
  }

  #beginLook(): void {
    if (this.#isEnding) return;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    if (!this.#waits.isOver) return;
    try {
      const { node } = this.#options;
      const leaving = await this.#archive.leaving(node, MOST_TASKS);
      const waiting = await this.#archive.waiting(node, MOST_TASKS);
      this.#waitingCount = waiting.filter(({ isOpen }) => !isOpen).length;
      this.#forgetOthers([...leaving, ...waiting]);
      for (const task of leaving) this.#begin(task, () => this.#withdraw(task));
      for (const task of waiting) await this.#beginSending(task);
      this.#isBlind = false;
    } catch (error) {
      if (!this.#isBlind) this.#note('what is to be sent to the store is not known', error);
      this.#isBlind = true;
      return;
    }
    const isQuiet = this.#active.size === 0 && !this.#isEnding;
    if (isQuiet && performance.now() - this.#heardAt > PROBE_MS) await this.#probe();
  }

  /** Those that are not waiting any more need no notes in memory. */
  #forgetOthers(tasks: readonly ArchiveTask[]): void {
    const keys = new Set(tasks.map(({ key }) => key));
    for (const key of this.#shipments.keys()) {
      if (!keys.has(key) && !this.#active.has(key)) this.#shipments.delete(key);
    }
    const now = performance.now();
    for (const [key, until] of this.#aside) if (until < now) this.#aside.delete(key);
  }

  async #beginSending(task: ArchiveTask): Promise<void> {
    if (this.#isBusy(task.key)) return;
    if (!task.isOpen) return this.#begin(task, () => this.#finish(task));
    if (this.#isEnding || !(await this.#shipment(task.key).hasPart())) return;
    this.#begin(task, () => this.#sendPart(task));
  }

  #isBusy(key: string): boolean {
    return this.#active.size >= LANES || this.#active.has(key) || this.#aside.has(key);
  }

  #begin(task: ArchiveTask, work: () => Promise<void>): void {
    const { key } = task;
    if (this.#isBusy(key)) return;
    const working = work()
      .then(
        () => {
          this.#worked();
          return true;
        },
        (error: unknown) => this.#failed(task, error),
      )
      .then((isDone) => {
        this.#active.delete(key);
        // What failed waits for the next look.
        if (isDone) this.#beginLook();
      });
    this.#active.set(key, working);
  }

  #shipment(key: string): Shipment {
    const { bucket, spool } = this.#options;
    const shipment = this.#shipments.get(key) ?? new Shipment(bucket, spool, key);
    this.#shipments.set(key, shipment);
    return shipment;
  }

  async #sendPart({ id, key }: ArchiveTask): Promise<void> {
    if (await this.#archive.begin(id)) await this.#shipment(key).sendPart();
  }

  async #finish(task: ArchiveTask): Promise<void> {
    const { id, key } = task;
    const { stat, copies } = this.#options;
    if (!(await this.#archive.begin(id))) return;
    const shipment = this.#shipment(key);
    const shipped = await shipment.finish();
    const size = (await stat(key))?.size ?? shipped.bytes;
    if (await this.#archive.keep(id, { ...shipped, size })) copies.add(key, shipped.bytes);
    // Deleted while it was sent: nothing deleted comes back.
    else await shipment.withdraw();
    this.#shipments.delete(key);
  }

  async #withdraw({ id, key }: ArchiveTask): Promise<void> {
    const { copies, spool } = this.#options;
    await copies.settled(key);
    await this.#shipment(key).withdraw();
    copies.forget(key);
    await spool.remove(key);
    await this.#archive.left(id);
    this.#shipments.delete(key);
  }

  async #probe(): Promise<void> {
    await this.#options.bucket.probe().then(
      () => this.#answered(),
      (error: unknown) => this.#hear(error),
    );
  }

  /** Who may look may not be allowed to write: where that was refused, one recording tries again. */
  #answered(): void {
    const [refused] = this.#aside.keys();
    this.#heardAt = performance.now();
    if (this.#state !== 'refused' || refused === undefined) this.#worked();
    else this.#aside.delete(refused);
  }

  #worked(): void {
    this.#heardAt = performance.now();
    this.#waits.worked();
    if (this.#state === 'up') return;
    // What it had refused, it may take now.
    this.#aside.clear();
    this.#state = 'up';
    this.#options.log.info('the store of recordings answers again');
  }

  /** What the store says counts for all; anything else for this recording alone. Never rejects. */
  async #failed(task: ArchiveTask, error: unknown): Promise<false> {
    const isAway = error instanceof BucketError && error.trouble === 'away';
    // Without the database nobody knows what is to be sent; the looks say so.
    const isBlind = error instanceof PosternError && error.code === 'store.down';
    if (isBlind || (isAway && this.#isEnding)) return false;
    this.#hear(error);
    if (isAway) return false;
    const { key } = task;
    this.#aside.set(key, performance.now() + SET_ASIDE_MS);
    try {
      const isNews = await this.#refuse(task, reasonOf(error));
      if (isNews)
        this.#note('a recording could not be sent to its store, or deleted there', error, key);
    } catch (thrown) {
      this.#note('that the store refused a recording could not be noted', thrown, key);
    }
    return false;
  }

  #hear(error: unknown): void {
    if (!(error instanceof BucketError)) return;
    this.#heardAt = performance.now();
    this.#waits.failed();
    const state = error.trouble === 'away' ? 'away' : 'refused';
    if (this.#state === state) return;
    this.#state = state;
    const what =
      state === 'away'
        ? 'the store of recordings is away; they wait here'
        : 'the store of recordings refuses them; they wait here';
    this.#note(what, error);
  }

  /** False: that was said before. */
  async #refuse({ id, key, sessionId }: ArchiveTask, reason: string): Promise<boolean> {
    return await this.#options.store.transaction(async ({ archive, audit }) => {
      if (!(await archive.refuse(id, reason))) return false;
      await audit.append({
        at: new Date(),
        type: 'recording.not_archived',
        ...{ actor: null, userId: null, machineId: null, source: null, sessionId },
        detail: { key, reason },
      });
      return true;
    });
  }

  #note(what: string, error: unknown, key?: string): void {
    this.#options.log.error(what, {
      ...(key === undefined ? {} : { key }),
      reason: reasonOf(error),
    });
  }
}
