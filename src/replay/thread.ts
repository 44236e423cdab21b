import { Worker } from 'node:worker_threads';
import type { BuildSettings, FromBuild } from './messages.ts';

/** What is on the heap is a segment and its parts; screens are bounded by the segmenter. */
const HEAP = { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 192 };

/** Milliseconds without a segment after which a build counts as stuck. */
const STUCK_MS = 60_000;

/** One index being made, in a thread of its own. */
export class BuildThread {
  readonly #worker: Worker;
  /** Settles when the index is there; rejects with the reason that there is none. */
  readonly done: Promise<void>;
  /** 0 to 1. */
  progress = 0;

  constructor(file: URL, workerData: BuildSettings) {
    this.#worker = new Worker(file, { name: 'replay', workerData, resourceLimits: HEAP });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = (reason: string): void => reject(new Error(reason));
    let timer = setTimeout(() => fail('it took too long'), STUCK_MS);
    this.#worker.on('message', (message: FromBuild) => {
      clearTimeout(timer);
      if (message.type === 'built') resolve();
      else if (message.type === 'failed') fail(message.reason);
      else {
        this.progress = message.progress;
        timer = setTimeout(() => fail('it took too long'), STUCK_MS);
      }
    });
    this.#worker.on('error', (error) => fail(error.message));
    this.#worker.on('exit', () => fail('the thread ended'));
    this.done = promise.finally(async () => {
      clearTimeout(timer);
      await this.stop();
    });
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}
