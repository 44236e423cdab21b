import { type Logger, reasonOf } from '../domain/log.ts';
import type { RunningApp } from './running-app.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Milliseconds for the drain as a whole. */
const DRAIN_DEADLINE = 15_000;

/**
 * Milliseconds in which a second signal is the first one's echo: on Ctrl-C the terminal signals the
 * whole group, and npm passes its own on to us as well.
 */
const ECHO = 500;

interface ShutdownDeps {
  readonly log: Logger;
  /** Ends the process at once; runs what must not be left behind first. */
  readonly exit: (status: number) => void;
  readonly deadline?: number;
}

/** How a server ends: once, in order, with a deadline; or at once when asked twice. */
export class Shutdown {
  readonly #deps: ShutdownDeps;
  readonly #ended: Promise<number>;
  #end: (status: number) => void = () => undefined;
  #app: RunningApp | null = null;
  #asked: number | null = null;

  constructor(deps: ShutdownDeps) {
    this.#deps = deps;
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** The exit status, when the server has ended in order. */
  get ended(): Promise<number> {
    return this.#ended;
  }

  /** Begins to listen to signals and to failures that nobody caught; returns how to stop. */
  listen(): () => void {
    const onSignal = (signal: string): void => this.signal(signal);
    const onFailure = (error: unknown): void => this.fail(error);
    for (const signal of SIGNALS) process.on(signal, onSignal);
    process.on('uncaughtException', onFailure);
    process.on('unhandledRejection', onFailure);
    return () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
      process.off('uncaughtException', onFailure);
      process.off('unhandledRejection', onFailure);
    };
  }

  /** The application is up: a signal now drains it. True when one came while it started. */
  started(app: RunningApp): boolean {
    this.#app = app;
    void app.failed?.then((reason) => this.#broke(app, reason));
    return this.#asked !== null;
  }

  signal(signal: string): void {
    const now = performance.now();
    if (this.#asked === null) {
      this.#asked = now;
      if (this.#app === null) {
        // Half a start cannot be drained; what it left is swept at the next one.
        this.#deps.exit(1);
        return;
      }
      this.#drain(this.#app, signal, 0);
    } else if (now - this.#asked > ECHO) {
      this.#deps.log.warn('a second signal: leaving without draining', { signal });
      this.#deps.exit(1);
    }
  }

  /** A bug: its state is unknown, so nothing more is done here. */
  fail(error: unknown): void {
    const stack = error instanceof Error ? (error.stack ?? '') : '';
    this.#deps.log.error('an error that nobody handled; leaving', {
      reason: reasonOf(error),
      stack: stack.split('\n').slice(1, 12).join(' |'),
    });
    this.#deps.exit(1);
  }

  /** The application can do its work no more: drains what is left of it, for exit status 1. */
  #broke(app: RunningApp, reason: string): void {
    if (this.#asked !== null) return;
    this.#asked = performance.now();
    this.#deps.log.error('the server cannot go on', { reason });
    this.#drain(app, reason, 1);
  }

  #drain(app: RunningApp, signal: string, status: number): void {
    this.#deps.log.info('draining', { signal });
    const timer = setTimeout(() => {
      this.#deps.log.error('the drain took too long; leaving');
      this.#deps.exit(1);
    }, this.#deps.deadline ?? DRAIN_DEADLINE);
    app.drain(signal).then(
      () => {
        clearTimeout(timer);
        this.#end(status);
      },
      (error: unknown) => {
        clearTimeout(timer);
        this.#deps.log.error('the drain failed', { reason: reasonOf(error) });
        this.#end(1);
      },
    );
  }
}
