import { Worker } from 'node:worker_threads';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { PgliteAnswer, PgliteCall, PgliteStart } from './pglite-messages.ts';

/** Milliseconds. The first start runs initdb in WebAssembly: 3 s here, more on a small machine. */
const START_DEADLINE = 120_000;
const CLOSE_DEADLINE = 10_000;

interface Waiting {
  readonly resolve: (bytes: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Owns the worker thread that PGlite runs in. A call that must be given up ends the worker, for
 * PGlite cannot cancel a query and ignores statement_timeout; the next `ready` starts another, which
 * recovers the database as after a crash.
 */
export class PgliteEngine {
  readonly #dataDir: string;
  readonly #log: Logger;
  /** Calls without an answer yet; one at a time, as the pool above has one client. */
  readonly #waiting = new Map<number, Waiting>();
  #started: Promise<Worker> | null = null;
  #worker: Worker | null = null;
  /** Settles when the worker before is gone: two on one directory would ruin it. */
  #gone: Promise<unknown> = Promise.resolve();
  #lastId = 0;
  #closed = false;

  constructor(dataDir: string, log: Logger) {
    this.#dataDir = dataDir;
    this.#log = log;
  }

  /** Starts the worker where none runs. Rejects when the database cannot be opened. */
  async ready(): Promise<void> {
    if (this.#closed) throw new Error('the embedded database is closed');
    this.#started ??= this.#start();
    await this.#started;
  }

  /** Sends protocol bytes and answers what PostgreSQL says to them. */
  exec(bytes: Uint8Array): Promise<Uint8Array> {
    const worker = this.#worker;
    if (!worker) return Promise.reject(new Error('the embedded database is not running'));
    // A copy: the bytes are transferred, and the caller's buffer may be a slice of a larger pool.
    const copy = Uint8Array.from(bytes);
    const call: PgliteCall = { type: 'exec', id: ++this.#lastId, bytes: copy };
    return this.#call(worker, call, [copy.buffer]);
  }

  /** Ends the worker with whatever it is doing. */
  abandon(why: string): void {
    const worker = this.#worker;
    if (!worker) return;
    this.#log.error('embedded database restarts', { why });
    this.#forget(new Error(why));
    this.#gone = worker.terminate();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#started?.catch(() => null);
    const worker = this.#worker;
    if (worker) {
      const timer = setTimeout(() => this.abandon('did not close in time'), CLOSE_DEADLINE);
      try {
        await this.#call(worker, { type: 'close', id: ++this.#lastId }, []);
      } catch (error) {
        this.#log.warn('embedded database not closed cleanly', { reason: reasonOf(error) });
      }
      clearTimeout(timer);
      this.#forget(new Error('the embedded database is closed'));
      await worker.terminate();
    }
    await this.#gone;
  }

  #call(worker: Worker, call: PgliteCall, transfer: ArrayBuffer[]): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(call.id, { resolve, reject });
      worker.postMessage(call, transfer);
    });
  }

  async #start(): Promise<Worker> {
    try {
      await this.#gone;
      const start: PgliteStart = { dataDir: this.#dataDir };
      const url = new URL('./pglite-worker.ts', import.meta.url);
      const worker = new Worker(url, { workerData: start });
      await this.#firstWord(worker);
      this.#worker = worker;
      return worker;
    } catch (error) {
      this.#started = null;
      throw error;
    }
  }

  /** Listens to the worker for good; settles when it is ready or cannot be. */
  #firstWord(worker: Worker): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (error: Error): void => {
        clearTimeout(timer);
        reject(error);
        if (this.#worker === worker) this.#forget(error);
        this.#gone = worker.terminate();
      };
      const timer = setTimeout(() => end(new Error('did not start in time')), START_DEADLINE);
      worker.once('error', end);
      worker.once('exit', (code) => end(new Error(`its thread ended with ${code}`)));
      worker.on('message', (answer: PgliteAnswer) => {
        if (answer.type === 'ready') {
          clearTimeout(timer);
          resolve();
        } else if (answer.type === 'failed' && answer.id === 0) end(new Error(answer.reason));
        else this.#answered(answer);
      });
    });
  }

  #answered(answer: Exclude<PgliteAnswer, { readonly type: 'ready' }>): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (answer.type === 'reply') waiting?.resolve(answer.bytes);
    else waiting?.reject(new Error(answer.reason));
  }

  #forget(error: Error): void {
    this.#started = null;
    this.#worker = null;
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}
