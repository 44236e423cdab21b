import { PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { RecordingLibrary, RecordingView, StoredRecording } from '../domain/recording.ts';
import type { RecordingKeys } from '../domain/recording-keys.ts';
import type { Redaction, RedactionRules, RedactionState } from '../domain/redaction.ts';
import { shown } from './masker.ts';
import { Masks } from './masks.ts';
import { readMasks } from './masks-file.ts';
import { RuleSet } from './rule-set.ts';
import { LookingThread } from './thread.ts';

/** Recordings that wait to be looked through. */
const MOST_WAITING = 1000;

/** Milliseconds that a request waits for it. */
const WAIT_MS = 20_000;

/** Milliseconds before what has failed is tried again. */
const FAILED_MS = 60_000;
const MOST_FAILED = 100;

/** Recordings of which it is kept in memory what is hidden, and how much of it. */
const MOST_KNOWN = 64;
const MOST_MASKS = 500_000;

export interface RedactionOptions {
  readonly library: Pick<RecordingLibrary, 'stat' | 'masksPath' | 'bring'>;
  /** Where the recordings lie. */
  readonly root: string;
  /** What opens those that are encrypted. */
  readonly keys: RecordingKeys;
  /** The thread's module: see src/app/redact-worker.ts. */
  readonly worker: URL;
  readonly rules: RedactionRules;
  readonly log: Logger;
}

interface Known {
  readonly size: number;
  readonly modified: number;
  readonly events: number;
  readonly masks: Masks;
  readonly times: readonly number[];
}

/** A recording, as it is or as far as it has come. */
interface Looked {
  readonly key: string;
  /** It goes on: what has only begun in it is hidden, too. */
  readonly isGrowing: boolean;
}

/** One that is, or is to be, looked through. */
interface Waiting extends Looked {
  readonly done: PromiseWithResolvers<Known>;
  progress: number;
}

/** What is known of a recording that went on says nothing of it when it has ended. */
function nameOf({ key, isGrowing }: Looked): string {
  return `${isGrowing ? 'growing' : 'ended'} ${key}`;
}

function isOf(
  stored: StoredRecording,
  { size, modified }: Omit<Known, 'masks' | 'events' | 'times'>,
) {
  return stored.size === size && stored.modifiedAt.getTime() === modified;
}

/** Looks recordings through in a thread, one at a time, and shows them without what is secret. */
export class ThreadedRedaction implements Redaction {
  readonly #options: RedactionOptions;
  readonly #rules: RuleSet;
  readonly #thread: LookingThread;
  readonly #known = new Map<string, Known>();
  readonly #failed = new Map<string, number>();
  readonly #waiting = new Map<string, Waiting>();
  #now: Waiting | null = null;
  #isClosed = false;

  /** Throws `redaction.pattern`. */
  constructor(options: RedactionOptions) {
    this.#options = options;
    const { root, keys, rules, worker } = options;
    this.#rules = new RuleSet(rules);
    this.#thread = new LookingThread(worker, { root, keys, rules });
  }

  get rules(): string {
    return this.#rules.id;
  }

  text(text: string): string {
    return this.#rules.hide(text);
  }

  async prepare(key: string): Promise<RedactionState> {
    const looked = { key, isGrowing: false };
    const known = await this.#find(looked).catch(() => null);
    if (known !== null) return { state: 'ready', view: this.#view(known) };
    if (this.#hasFailed(looked)) return { state: 'failed' };
    const waiting = this.#enter(looked, true);
    return waiting === null
      ? { state: 'failed' }
      : { state: 'preparing', progress: waiting.progress };
  }

  async view(key: string, session: string, isGrowing: boolean): Promise<RecordingView> {
    const looked = { key, isGrowing };
    const known = await this.#find(looked);
    if (known !== null) return this.#view(known);
    const waiting = this.#hasFailed(looked) ? null : this.#enter(looked, true);
    if (waiting === null) throw new PosternError('redaction.failed', { id: session });
    const late = Promise.withResolvers<null>();
    const timer = setTimeout(() => late.resolve(null), WAIT_MS);
    try {
      const found = await Promise.race([waiting.done.promise, late.promise]);
      if (found === null) throw new PosternError('redaction.preparing', { id: session });
      return this.#view(found);
    } catch (thrown) {
      if (thrown instanceof PosternError) throw thrown;
      throw new PosternError('redaction.failed', { id: session });
    } finally {
      clearTimeout(timer);
    }
  }

  later(key: string): void {
    this.#enter({ key, isGrowing: false }, false);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { done } of this.#waiting.values()) done.reject(new Error('the server stops'));
    this.#waiting.clear();
    await this.#thread.stop();
  }

  #view({ masks, events, times }: Known): RecordingView {
    const text = (given: string): string => this.text(given);
    const show: RecordingView['show'] = (all) => shown(all, masks, events);
    return { rules: this.#rules.id, text, secretTimes: times, show };
  }

  /** What is known of the recording as it is now; null: nothing. */
  async #find(looked: Looked): Promise<Known | null> {
    const { key, isGrowing } = looked;
    const stored = await this.#options.library.stat(key);
    if (stored === null) return null;
    const known = this.#known.get(nameOf(looked));
    if (known !== undefined && isOf(stored, known)) return known;
    if (isGrowing) return null;
    const found = await readMasks(await this.#options.library.masksPath(key));
    if (found === null || found.rules !== this.#rules.id || !isOf(stored, found)) return null;
    return this.#keep(looked, { ...found, masks: Masks.fromNumbers(found.numbers) });
  }

  #keep(looked: Looked, known: Known): Known {
    const name = nameOf(looked);
    this.#known.delete(name);
    this.#known.set(name, known);
    let count = 0;
    let size = 0;
    for (const [old, { masks }] of [...this.#known].reverse()) {
      count += 1;
      size += masks.size;
      if (old !== name && (count > MOST_KNOWN || size > MOST_MASKS)) this.#known.delete(old);
    }
    return known;
  }

  /** Null: too many wait. `first`: before those that nobody waits for. */
  #enter(looked: Looked, first: boolean): Waiting | null {
    const name = nameOf(looked);
    if (this.#isClosed) return null;
    if (this.#now !== null && nameOf(this.#now) === name) return this.#now;
    const known = this.#waiting.get(name);
    if (known === undefined && this.#waiting.size >= MOST_WAITING) return null;
    const waiting = known ?? { ...looked, done: Promise.withResolvers<Known>(), progress: 0 };
    if (known === undefined) waiting.done.promise.catch(() => undefined);
    const others = [...this.#waiting].filter(([one]) => one !== name);
    if (first) {
      this.#waiting.clear();
      this.#waiting.set(name, waiting);
      for (const [one, other] of others) this.#waiting.set(one, other);
    } else {
      this.#waiting.set(name, waiting);
    }
    this.#next();
    return waiting;
  }

  #next(): void {
    const [next] = this.#waiting.values();
    if (next === undefined || this.#now !== null || this.#isClosed) return;
    this.#waiting.delete(nameOf(next));
    this.#now = next;
    this.#look(next)
      .then(next.done.resolve, (thrown: unknown) => this.#fail(next, thrown))
      .finally(() => {
        this.#now = null;
        this.#next();
      });
  }

  async #look(waiting: Waiting): Promise<Known> {
    const { key, isGrowing } = waiting;
    await this.#options.library.bring(key);
    const stored = await this.#options.library.stat(key);
    if (stored === null) throw new Error('it is not there');
    const source = { size: stored.size, modified: stored.modifiedAt.getTime() };
    const path = isGrowing ? null : await this.#options.library.masksPath(key);
    const job = { key, path, ...source };
    const { events, numbers, times } = await this.#thread.look(job, (progress) => {
      waiting.progress = progress;
    });
    return this.#keep(waiting, { ...source, events, times, masks: Masks.fromNumbers(numbers) });
  }

  #hasFailed(looked: Looked): boolean {
    const failedAt = this.#failed.get(nameOf(looked));
    return failedAt !== undefined && performance.now() - failedAt < FAILED_MS;
  }

  #fail(waiting: Waiting, thrown: unknown): void {
    const { key, done } = waiting;
    const name = nameOf(waiting);
    done.reject(thrown);
    if (this.#isClosed) return;
    this.#options.log.warn('a recording could not be looked through for secrets', {
      key,
      reason: reasonOf(thrown),
    });
    this.#failed.delete(name);
    this.#failed.set(name, performance.now());
    for (const old of this.#failed.keys()) {
      if (this.#failed.size <= MOST_FAILED) break;
      this.#failed.delete(old);
    }
  }
}
