import { type ChildProcess, fork } from 'node:child_process';
import type { ControlPlane, RouteAnswer } from '../domain/control-plane.ts';
import type { GatewayLoad } from '../domain/load.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { RepairRecording } from '../domain/recording.ts';
import type { EndReason } from '../domain/session.ts';
import type { WebTerminals } from '../domain/web-terminal.ts';
import { Calls } from './calls.ts';
import { HeldSessions } from './held-sessions.ts';
import { childPeer } from './peer.ts';
import { serveControlPlane } from './remote.ts';
import { remoteTerminals } from './remote-terminals.ts';
import { within } from './within.ts';
import type { Address, WorkerService, WorkerSettings } from './worker-service.ts';

/** Milliseconds, where a name ends so. */
export interface WorkerTiming {
  /** From the fork to listening. */
  readonly startMs: number;
  /** Between two pings. */
  readonly pingMs: number;
  /** Pings in a row without an answer after which a worker is ended. */
  readonly mostUnanswered: number;
  /** For ending all sessions, when the server stops. */
  readonly drainMs: number;
  /** From the last word to the end of the process. */
  readonly leaveMs: number;
  /** Before a dead worker's first new start; doubles with each, up to the longest. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** A worker that ran so long begins again with the first pause. */
  readonly steadyMs: number;
  /** Starts in a row that may fail before the server gives up. */
  readonly mostFailedStarts: number;
}

export const WORKER_TIMING: WorkerTiming = {
  startMs: 30_000,
  pingMs: 2000,
  // Counted, not timed: a control process that was stopped itself must not find its workers late.
  mostUnanswered: 5,
  drainMs: 8000,
  leaveMs: 2000,
  firstPauseMs: 100,
  longestPauseMs: 5000,
  steadyMs: 60_000,
  mostFailedStarts: 10,
};

export interface WorkerProcessOptions {
  /** The module that the process runs. */
  readonly entry: URL;
  /** Its environment: without the settings, which hold secrets. */
  readonly env: NodeJS.ProcessEnv;
  readonly plane: ControlPlane;
  readonly repair: RepairRecording;
  readonly log: Logger;
  readonly timing: WorkerTiming;
}

/**
 * One worker: a child process, the calls to it, what it holds, and the watchdog. Life: forked →
 * `start` → `drain` or a death → `gone`.
 */
export class WorkerProcess {
  readonly held: HeldSessions;
  readonly terminals: WebTerminals;
  /** Settles when the process has ended and all that it said was heard: how it ended. */
  readonly gone: Promise<string>;
  readonly #child: ChildProcess;
  readonly #calls: Calls;
  readonly #log: Logger;
  readonly #timing: WorkerTiming;
  #watchdog: NodeJS.Timeout | undefined;
  #load: GatewayLoad | null = null;

  constructor(options: WorkerProcessOptions) {
    this.#log = options.log;
    this.#timing = options.timing;
    this.held = new HeldSessions(options.plane, options.repair, options.log);
    this.#child = fork(options.entry, [], {
      env: options.env,
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.gone = end(this.#child);
    void this.gone.then(() => clearInterval(this.#watchdog));
    this.#calls = new Calls(childPeer(this.#child), () => options.log);
    this.terminals = remoteTerminals(this.#calls);
    serveControlPlane(this.#calls, this.held);
  }

  /** Of the child; undefined when it could not be made. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** As its last answer says; null: it has given none yet. */
  get load(): GatewayLoad | null {
    return this.#load;
  }

  /** Rejects, and ends the process, when it does not listen in time. */
  async start(settings: WorkerSettings): Promise<Address> {
    const { startMs } = this.#timing;
    try {
      const started = await this.#ask('start', startMs, settings);
      if ('problem' in started) throw new Error(started.problem);
      this.#watch();
      return started.address;
    } catch (error) {
      this.kill();
      throw error;
    }
  }

  /** As Gateway.terminate; false as well when the worker does not answer. */
  async terminate(sessionId: number, reason: EndReason, by: string): Promise<boolean> {
    try {
      return await this.#ask('terminate', undefined, sessionId, reason, by);
    } catch (error) {
      this.#log.warn('a worker did not end a session', {
        session: sessionId,
        reason: reasonOf(error),
      });
      return false;
    }
  }

  /** As Gateway.renew; rejects when the worker does not answer. */
  renew(sessionId: number, answer: RouteAnswer): Promise<boolean> {
    return this.#ask('renew', undefined, sessionId, answer);
  }

  /** Ends the sessions, with a word to their users, then the process; settles when it is gone. */
  async drain(): Promise<void> {
    const { drainMs, leaveMs } = this.#timing;
    clearInterval(this.#watchdog);
    // One that could not start was killed, and has no sessions.
    if (!this.#child.killed) {
      try {
        await this.#ask('drain', drainMs);
      } catch (error) {
        this.#log.error('a worker did not end its sessions in time', { reason: reasonOf(error) });
      }
    }
    if (this.#child.connected) this.#child.disconnect();
    if ((await within(leaveMs, this.gone)) !== null) return;
    this.kill();
    await within(leaveMs, this.gone);
  }

  /** At once; `gone` says when. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #ask<Method extends keyof WorkerService>(
    method: Method,
    deadlineMs: number | undefined,
    ...args: Parameters<WorkerService[Method]>
  ): Promise<Awaited<ReturnType<WorkerService[Method]>>> {
    const answer = this.#calls.call(method, args, deadlineMs);
    return answer as Promise<Awaited<ReturnType<WorkerService[Method]>>>;
  }

  #watch(): void {
    const { pingMs, mostUnanswered } = this.#timing;
    let unanswered = 0;
    this.#watchdog = setInterval(() => {
      if (unanswered >= mostUnanswered) {
        this.#log.error('a worker does not answer; it is ended', { pings: unanswered });
        clearInterval(this.#watchdog);
        this.kill();
        return;
      }
      unanswered += 1;
      this.#ask('ping', pingMs * mostUnanswered).then(
        (load) => {
          unanswered = 0;
          this.#load = load;
        },
        () => undefined,
      );
    }, pingMs);
  }
}

/** The last messages of a process may be heard after its end: both must have come. */
function end(child: ChildProcess): Promise<string> {
  const hungUp = new Promise<void>((resolve) => {
    child.once('disconnect', resolve);
  });
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      void hungUp.then(() => resolve(signal ?? `exit status ${code}`));
    });
    child.on('error', (error) => {
      if (child.pid === undefined) resolve(reasonOf(error));
    });
    // A worker that has closed its channel, and does not leave, can be told nothing any more.
    void hungUp.then(() => setTimeout(() => child.kill('SIGKILL'), 5000).unref());
  });
}
