import { Worker } from 'node:worker_threads';
import type { AnalysisChanges } from '../domain/analysis.ts';
import { reasonOf } from '../domain/log.ts';
import type { FromWorker, Report, ToWorker, WorkerSettings } from './messages.ts';

/** A terminal takes at most 12 MB; a recording that is followed 0.5 MB otherwise. */
const HEAP = { maxYoungGenerationSizeMb: 32, maxOldGenerationSizeMb: 512 };

/** Milliseconds without a sign of life, or without progress, after which the thread counts as stuck. */
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

const WORKER = new URL('./worker.ts', import.meta.url);

/** A thread that reads recordings; started with its first job, and anew after it has died. */
export class AnalysisThread {
  readonly #settings: WorkerSettings;
  readonly #name: string;
  readonly #stuckMs: number;
  readonly #file: URL;
  readonly #jobs = new Map<number, ReadingJob>();
  #worker: Worker | null = null;
  /** Until when it has to have found something, and until when to have said anything. */
  #stuck: NodeJS.Timeout | undefined;
  #silent: NodeJS.Timeout | undefined;
  #last = 0;

  /** `stuckMs` and `worker`, its module: for tests. */
  constructor(name: string, settings: WorkerSettings, stuckMs = STUCK_MS, worker = WORKER) {
    this.#name = name;
    this.#settings = settings;
    this.#stuckMs = stuckMs;
    this.#file = worker;
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
    const worker = new Worker(this.#file, {
      name: this.#name,
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

  /** A thread that reads what has ended has always something to say, and any thread that it lives. */
  #watch(): void {
    clearTimeout(this.#stuck);
    this.#listen();
    const isBusy = [...this.#jobs.values()].some(({ isLive }) => !isLive);
    if (isBusy) this.#stuck = this.#giveUpLater();
  }

  #listen(): void {
    clearTimeout(this.#silent);
    if (this.#jobs.size > 0) this.#silent = this.#giveUpLater();
  }

  #giveUpLater(): NodeJS.Timeout {
    const timer = setTimeout(() => {
      const worker = this.#worker;
      this.#lost('it took too long');
      worker?.terminate().catch(() => undefined);
    }, this.#stuckMs);
    return timer.unref();
  }

  #lost(reason: string): void {
    this.#worker = null;
    clearTimeout(this.#stuck);
    clearTimeout(this.#silent);
    const jobs = [...this.#jobs.values()];
    this.#jobs.clear();
    for (const job of jobs) job.over(reason);
  }

  #hear(message: FromWorker): void {
    this.#listen();
    if (message.type !== 'alive') this.#report(message);
  }

  #report(message: Report): void {
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
