import { Worker } from 'node:worker_threads';
import { Tap } from '../handoff/tap.ts';
import type { FromObserver, ToObserver } from './messages.ts';

/** As the recorder's: what is here lives for one buffer, and a leak is to be this thread's end alone. */
const HEAP = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 128 };

/** Milliseconds that a chunk may wait for others to come with it. */
const IN_TAP_MS = 25;

export interface ThreadListener {
  message(message: FromObserver): void;
  /** Once, unless it was stopped. */
  died(cause: Error): void;
}

const WORKER = new URL('./worker.ts', import.meta.url);

/** The observer's thread and the way to it. */
export class ObserverThread {
  readonly tap: Tap;
  readonly #worker: Worker;
  #over = false;

  constructor(listener: ThreadListener) {
    this.#worker = new Worker(WORKER, { name: 'observer', resourceLimits: HEAP });
    this.tap = new Tap(IN_TAP_MS, (buffer, used) => {
      this.#worker.postMessage({ type: 'frames', buffer, used } satisfies ToObserver, [buffer]);
    });
    const die = (cause: Error): void => {
      if (this.#over) return;
      this.#over = true;
      listener.died(cause);
    };
    this.#worker.on('message', (message: FromObserver) => {
      if (!this.#over) listener.message(message);
    });
    this.#worker.on('error', die);
    this.#worker.on('exit', (code) => die(new Error(`the observer thread ended (${code})`)));
  }

  /** What was put in the tap before goes first. */
  post(message: ToObserver): void {
    this.tap.flush();
    this.#worker.postMessage(message);
  }

  /** Ends the thread as it is. */
  async stop(): Promise<void> {
    this.#over = true;
    await this.#worker.terminate();
  }
}
