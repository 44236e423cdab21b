import { Worker } from 'node:worker_threads';
import { ClusterFailure } from './failure.ts';
import type { Answer, Answers, Asked, LibrarySettings, Question } from './questions.ts';

/** The library alone takes 90 MB; lists of pods come on top. */
const HEAP = { maxYoungGenerationSizeMb: 32, maxOldGenerationSizeMb: 256 };

/** How long an answer is waited for, in milliseconds; the library takes a second to load. */
const ANSWER_MS = 30_000;

/** How long the thread is kept without a question, in milliseconds. */
const IDLE_MS = 600_000;

/** Questions that wait at once. */
const MOST_WAITING = 1000;

interface Waiting {
  readonly resolve: (value: Answers[keyof Answers]) => void;
  readonly reject: (error: ClusterFailure) => void;
}

const WORKER = new URL('./worker.ts', import.meta.url);

/**
 * `@kubernetes/client-node` in a thread of its own, which there is while it is asked something now and
 * then: to load it stops a thread for half a second and more, and takes 90 MB.
 */
export class LibraryThread {
  readonly #settings: LibrarySettings;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #idle: NodeJS.Timeout | null = null;
  #next = 1;

  constructor(settings: LibrarySettings) {
    this.#settings = settings;
  }

  /** Rejects with ClusterFailure. */
  async ask<A extends Asked>(cluster: string, asked: A): Promise<Answers[A['what']]> {
    if (this.#waiting.size >= MOST_WAITING) {
      throw new ClusterFailure('unreachable', 'too much is asked at once');
    }
    const id = this.#next;
    this.#next += 1;
    const { promise, resolve, reject } = Promise.withResolvers<Answers[keyof Answers]>();
    this.#waiting.set(id, { resolve, reject });
    const late = (): void => reject(new ClusterFailure('unreachable', 'it did not answer in time'));
    const timer = setTimeout(late, ANSWER_MS);
    this.#post({ id, cluster, asked });
    try {
      return (await promise) as Answers[A['what']];
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
      this.#rest();
    }
  }

  #post(question: Question): void {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#worker ??= this.#start();
    this.#worker.ref();
    this.#worker.postMessage(question);
  }

  #start(): Worker {
    const options = { name: 'kubernetes', workerData: this.#settings, resourceLimits: HEAP };
    const worker = new Worker(WORKER, options);
    worker.on('message', (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id);
      if ('value' in answer) waiting?.resolve(answer.value);
      else waiting?.reject(new ClusterFailure(answer.failed, answer.reason, answer.detail));
    });
    worker.on('error', (error) => this.#over(worker, error.message));
    worker.on('exit', () => this.#over(worker, 'its thread ended'));
    return worker;
  }

  #over(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    for (const { reject } of this.#waiting.values()) {
      reject(new ClusterFailure('unreachable', 'it could not be asked', reason));
    }
  }

  #rest(): void {
    if (this.#waiting.size > 0) return;
    this.#worker?.unref();
    this.#idle = setTimeout(() => {
      this.stop().catch(() => undefined);
    }, IDLE_MS);
    this.#idle.unref();
  }

  /** What is asked after that begins another one. */
  async stop(): Promise<void> {
    const worker = this.#worker;
    if (this.#idle !== null) clearTimeout(this.#idle);
    if (worker === null) return;
    this.#over(worker, 'its thread was stopped');
    await worker.terminate();
  }
}
