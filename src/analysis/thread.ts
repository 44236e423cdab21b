import { Worker } from 'node:worker_threads';
import type { AnalysisChanges } from '../domain/analysis.ts';
import { reasonOf } from '../domain/log.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './messages.ts';

/** A terminal takes at most 12 MB; a recording that is followed 0.5 MB otherwise. */
const HEAP = { maxYoungGenerationSizeMb: 32, maxOldGenerationSizeMb: 512 };

/** Milliseconds without a word after which the thread counts as stuck, while it has something to do. */
const STUCK_MS = 60_000;

/** A recording to be read, and who hears of it. */
export interface ReadingJob {
  readonly key: string;
  readonly channel: number;
  readonly isLive: boolean;
  /** False: nothing more is wanted. Never rejects. */
  readonly keep: (changes: AnalysisChanges) => Promise<boolean>;
  /** `reason` null: it was read to its end. Once, after what was kept. */
  readonly over: (reason: string | null) => void;
}

function workerFile(): URL {
  return import.meta.url.endsWith('.ts')
    ? new URL('./worker.ts', import.meta.url)
    : new URL('./worker.js', import.meta.url);
}

/** A thread that reads recordings; started with its first job, and anew after it has died. */
export class AnalysisThread {
  readonly #settings: WorkerSettings;
  readonly #name: string;
  readonly #jobs = new Map<number, ReadingJob>();
  #worker: Worker | null = null;
  #stuck: NodeJS.Timeout | undefined;
  #last = 0;

  /** `watched`: its jobs do not wait for anything but what they read, so silence means that it hangs. */
  constructor(name: string, settings: WorkerSettings) {
    this.#name = name;
    this.#settings = settings;
  }

  /** Answers the job's number. */
  read(job: ReadingJob): number {
    this.#last += 1;
    this.#jobs.set(this.#last, job);
    const { key, channel, isLive } = job;
    this.#post({ job: this.#last, type: 'read', key, channel, isLive });
    return this.#last;
  }

  finish(job: number): void {
    if (this.#jobs.has(job)) this.#post({ job, type: 'finish' });
  }

  /** Every job is over, with a reason. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#lost('the server stops');
    await worker?.terminate();
  }

  #post(message: ToWorker): void {
    this.#worker ??= this.#start();
    this.#worker.postMessage(message);
    this.#watch();
  }

  #start(): Worker {
    const { name } = { name: this.#name };
    const worker = new Worker(workerFile(), {
      name,
      workerData: this.#settings,
      resourceLimits: HEAP,
    });
    worker.on('message', (message: FromWorker) => {
      if (worker === this.#worker) this.#hear(message);
    });
    const die = (reason: string): void => {
      if (worker === this.#worker) this.#lost(reason);
    };
    worker.on('error', (error) => die(reasonOf(error)));
    worker.on('exit', (code) => die(`the thread ended with ${code}`));
    return worker;
  }

  /** A thread that reads what has ended has always something to say. */
  #watch(): void {
    clearTimeout(this.#stuck);
    const isBusy = [...this.#jobs.values()].some(({ isLive }) => !isLive);
    if (!isBusy) return;
    this.#stuck = setTimeout(() => {
      const worker = this.#worker;
      this.#lost('it took too long');
      worker?.terminate().catch(() => undefined);
    }, STUCK_MS);
    this.#stuck.unref();
  }

  #lost(reason: string): void {
    this.#worker = null;
    clearTimeout(this.#stuck);
    const jobs = [...this.#jobs.values()];
    this.#jobs.clear();
    for (const job of jobs) job.over(reason);
  }

  #hear(message: FromWorker): void {
    const job = this.#jobs.get(message.job);
    if (job === undefined) return;
    if (message.type === 'found') {
      clearTimeout(this.#stuck);
      void job.keep(message.changes).then((goesOn) => this.#kept(message.job, goesOn));
      return;
    }
    this.#jobs.delete(message.job);
    this.#watch();
    job.over(message.type === 'failed' ? message.reason : null);
  }

  #kept(job: number, goesOn: boolean): void {
    if (!this.#jobs.has(job)) return;
    this.#post({ job, type: goesOn ? 'taken' : 'drop' });
  }
}
