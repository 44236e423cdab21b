import { Worker } from 'node:worker_threads';
import type { RecordingEncryption } from '../domain/recording-keys.ts';
import { Tap } from '../handoff/tap.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './messages.ts';

/**
 * A small young generation, because everything here is garbage after one buffer: measured at 800 MB
 * through one recording, 100 MB of memory instead of 135. The bound on the old one makes a leak this
 * thread's end and not the process's.
 */
const HEAP = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 256 };

export interface ThreadSettings {
  /** A real path. */
  readonly root: string;
  /** Milliseconds from a chunk's arrival to its fdatasync. */
  readonly commitInterval: number;
  /** The private key that parts are sealed with, as PEM. */
  readonly sealingKey: string;
  /** Null: recordings are not encrypted. */
  readonly encryption: RecordingEncryption | null;
}

export interface ThreadListener {
  message(message: FromWorker): void;
  /** Once, unless it was stopped: every file that it wrote is closed now. */
  died(cause: Error): void;
}

const WORKER = new URL('./worker.ts', import.meta.url);

/** The recorder's thread and the way to it. */
export class RecorderThread {
  readonly tap: Tap;
  readonly #worker: Worker;
  #over = false;

  constructor(settings: ThreadSettings, listener: ThreadListener) {
    const inTap = settings.commitInterval / 4;
    const workerData: WorkerSettings = {
      root: settings.root,
      syncDelay: settings.commitInterval - inTap,
      sealingKey: settings.sealingKey,
      encryption: settings.encryption,
    };
    this.#worker = new Worker(WORKER, { name: 'recorder', workerData, resourceLimits: HEAP });
    this.tap = new Tap(inTap, (buffer, used) => {
      this.#worker.postMessage({ type: 'frames', buffer, used } satisfies ToWorker, [buffer]);
    });
    const die = (cause: Error): void => {
      if (this.#over) return;
      this.#over = true;
      listener.died(cause);
    };
    this.#worker.on('message', (message: FromWorker) => {
      if (!this.#over) listener.message(message);
    });
    this.#worker.on('error', die);
    this.#worker.on('exit', (code) => die(new Error(`the recorder thread ended (${code})`)));
  }

  /** What was put in the tap before goes first. */
  post(message: ToWorker): void {
    this.tap.flush();
    this.#worker.postMessage(message);
  }

  /** Ends the thread as it is: the caller has waited for what matters. */
  async stop(): Promise<void> {
    this.#over = true;
    await this.#worker.terminate();
  }
}
