import { setTimeout as delay } from 'node:timers/promises';
import type { Gateway, RouteAnswer } from '../domain/control-plane.ts';
import type { GatewayLoad } from '../domain/load.ts';
import { reasonOf } from '../domain/log.ts';
import type { EndReason } from '../domain/session.ts';
import type { WebTerminals } from '../domain/web-terminal.ts';
import { within } from './within.ts';
import {
  WORKER_TIMING,
  WorkerProcess,
  type WorkerProcessOptions,
  type WorkerTiming,
} from './worker-process.ts';
import type { Address, WorkerSettings } from './worker-service.ts';
import { terminalsOf } from './worker-terminals.ts';

/** Milliseconds that the drain waits for what dead workers left to be written. */
const LAST_ENDS_MS = 4000;

export interface WorkersOptions extends Omit<WorkerProcessOptions, 'timing'> {
  /** At least 1. */
  readonly count: number;
  readonly settings: Omit<WorkerSettings, 'worker' | 'listen'> & { readonly listen: Address };
  /** A worker could not be started again: the server is to stop. */
  readonly onLost: (reason: string) => void;
  readonly timing?: Partial<WorkerTiming>;
}

/** Resolves when all of them listen; rejects, with none left, when one does not. */
export async function startWorkers(options: WorkersOptions): Promise<Workers> {
  const workers = new Workers(options);
  try {
    await workers.start();
    return workers;
  } catch (error) {
    await workers.drain();
    throw error;
  }
}

/** The gateway, in processes of its own: one that dies is replaced, and the others do not notice. */
export class Workers implements Gateway {
  /** Those whose users have no SSH connection. */
  readonly terminals: WebTerminals = terminalsOf({
    all: () => [...this.#running].toSorted(([a], [b]) => a - b).map(([, one]) => one.terminals),
  });
  readonly #options: WorkersOptions;
  readonly #timing: WorkerTiming;
  readonly #running = new Map<number, WorkerProcess>();
  /** What dead workers held, while it is being ended. */
  readonly #endings = new Set<Promise<unknown>>();
  readonly #stop = new AbortController();
  #address: Address;

  constructor(options: WorkersOptions) {
    this.#options = options;
    this.#timing = { ...WORKER_TIMING, ...options.timing };
    this.#address = options.settings.listen;
  }

  /** Where users connect to; the port is known once `start` has settled. */
  get address(): Address {
    return this.#address;
  }

  get count(): number {
    return [...this.#running.values()].reduce((sum, { held }) => sum + held.count, 0);
  }

  /** Process ids of the workers that run. */
  get pids(): readonly number[] {
    return [...this.#running.values()].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  /** What each worker takes, by its name. */
  get loads(): ReadonlyMap<string, GatewayLoad> {
    const loads = new Map<string, GatewayLoad>();
    for (const [number, { load }] of this.#running) {
      if (load !== null) loads.set(`worker-${number}`, load);
    }
    return loads;
  }

  async start(): Promise<void> {
    // The first one finds the port that all share.
    const first = await this.#launch(1);
    const others = Array.from({ length: this.#options.count - 1 }, (_, index) =>
      this.#launch(index + 2),
    );
    const all = [first, ...(await Promise.all(others))];
    all.forEach((worker, index) => {
      void this.#keep(index + 1, worker);
    });
  }

  async terminate(sessionId: number, reason: EndReason, by: string): Promise<boolean> {
    const all = [...this.#running.values()];
    const holder = all.find(({ held }) => held.has(sessionId));
    const asked = holder === undefined ? all : [holder];
    const answers = await Promise.all(
      asked.map((worker) => worker.terminate(sessionId, reason, by)),
    );
    return answers.includes(true);
  }

  async renew(sessionId: number, answer: RouteAnswer): Promise<boolean> {
    const holder = [...this.#running.values()].find(({ held }) => held.has(sessionId));
    return (await holder?.renew(sessionId, answer)) ?? false;
  }

  /** Ends every session with a word to its user, then every process; leaves none. */
  async drain(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#running.values()].map((worker) => worker.drain()));
    await within(LAST_ENDS_MS, Promise.all(this.#endings));
  }

  /** Rejects when it does not listen in time. */
  async #launch(number: number): Promise<WorkerProcess> {
    const { settings, count, log } = this.#options;
    const worker = new WorkerProcess({
      ...this.#options,
      log: log.child({ worker: number }),
      timing: this.#timing,
    });
    this.#running.set(number, worker);
    void worker.gone.then(() => this.#ended(number, worker));
    this.#address = await worker.start({
      ...settings,
      worker: number,
      listen: { ...this.#address, reusePort: count > 1 },
    });
    return worker;
  }

  #ended(number: number, worker: WorkerProcess): void {
    if (this.#running.get(number) === worker) this.#running.delete(number);
    const ending = worker.held.lost(this.#stop.signal.aborted ? 'drained' : 'worker_died');
    this.#endings.add(ending);
    void ending.finally(() => this.#endings.delete(ending));
  }

  /** Replaces a worker whenever it dies, until the drain, or until no new one can be started. */
  async #keep(number: number, first: WorkerProcess): Promise<void> {
    const log = this.#options.log.child({ worker: number });
    const { firstPauseMs, longestPauseMs, steadyMs, mostFailedStarts } = this.#timing;
    let worker: WorkerProcess | null = first;
    let pause = firstPauseMs;
    while (worker !== null) {
      const since = performance.now();
      const how = await worker.gone;
      if (this.#stop.signal.aborted) return;
      if (performance.now() - since > steadyMs) pause = firstPauseMs;
      log.error('a worker died; another takes its place', { how, pause_ms: pause });
      worker = null;
      for (let failed = 0; worker === null && failed < mostFailedStarts; failed += 1) {
        worker = await this.#replace(number, pause);
        if (this.#stop.signal.aborted) return;
        pause = Math.min(2 * pause, longestPauseMs);
      }
    }
    log.error('no worker could be started again; the server stops');
    this.#options.onLost(`worker ${number} could not be started again`);
  }

  /** Null: it did not start, or the server stops. */
  async #replace(number: number, pause: number): Promise<WorkerProcess | null> {
    const log = this.#options.log.child({ worker: number });
    const { signal } = this.#stop;
    try {
      await delay(pause, undefined, { signal });
      const worker = await this.#launch(number);
      log.info('a new worker is ready', { pid: worker.pid ?? 0 });
      return worker;
    } catch (error) {
      if (!signal.aborted) log.error('a worker could not be started', { reason: reasonOf(error) });
      return null;
    }
  }
}
