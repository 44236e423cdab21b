import { Worker } from 'node:worker_threads';
import type { FromWorker, Job, WorkerSettings } from './messages.ts';

const HEAP = { maxYoungGenerationSizeMb: 32, maxOldGenerationSizeMb: 256 };

/** Milliseconds without progress after which a look counts as stuck. */
const STUCK_MS = 60_000;

/** Milliseconds that the thread is kept without anything to do. */
const IDLE_MS = 60_000;

/** What was found in one recording. */
type Found = Extract<FromWorker, { readonly type: 'found' }>;

/** A thread that there is while recordings are looked through, one at a time. */
export class LookingThread {
  readonly #file: URL;
  readonly #settings: WorkerSettings;
  #worker: Worker | null = null;
  #idle: NodeJS.Timeout | null = null;

  constructor(file: URL, settings: WorkerSettings) {
    this.#file = file;
    this.#settings = settings;
  }

  /** One call at a time. Rejects with the reason that nothing can be found. */
  async look(job: Job, report: (progress: number) => void): Promise<Found> {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#worker ??= this.#start();
    const worker = this.#worker;
    worker.ref();
    const { promise, resolve, reject } = Promise.withResolvers<Found>();
    const fail = (reason: string): void => reject(new Error(reason));
    let timer = setTimeout(() => fail('it took too long'), STUCK_MS);
    const hear = (message: FromWorker): void => {
      clearTimeout(timer);
      if (message.type === 'found') resolve(message);
      else if (message.type === 'failed') fail(message.reason);
      else {
        report(message.progress);
        timer = setTimeout(() => fail('it took too long'), STUCK_MS);
      }
    };
    const break_ = (error: Error): void => fail(error.message);
    const exit = (): void => fail('the thread ended');
    worker.on('message', hear).on('error', break_).on('exit', exit);
    worker.postMessage(job);
    try {
      const found = await promise;
      this.#rest();
      return found;
    } catch (thrown) {
      // Whatever it does now, it does no more.
      await this.stop();
      throw thrown;
    } finally {
      clearTimeout(timer);
      worker.off('message', hear).off('error', break_).off('exit', exit);
    }
  }

  #start(): Worker {
    const options = { name: 'redact', workerData: this.#settings, resourceLimits: HEAP };
    const worker = new Worker(this.#file, options);
    // Who waits for it hears of it; without one it is started anew.
    worker.on('error', () => undefined);
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = null;
    });
    return worker;
  }

  #rest(): void {
    this.#idle = setTimeout(() => {
      this.stop().catch(() => undefined);
    }, IDLE_MS);
    this.#idle.unref();
    this.#worker?.unref();
  }

  async stop(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    if (this.#idle !== null) clearTimeout(this.#idle);
    await worker?.terminate();
  }
}
