import type { Config } from '../config/load.ts';
import type { Logger } from '../domain/log.ts';
import type { ReadyFacts } from '../domain/ready.ts';

/** What `postern serve` needs of the application; app/app.ts starts one. */
export interface RunningApp {
  readonly ready: ReadyFacts;
  readonly welcome: Welcome;
  /** Settles, with the reason, when it can do its work no more: then it is to be drained. */
  readonly failed?: Promise<string>;
  /**
   * Ends every session, telling its user, and closes everything; the log gets `reason`. Settles
   * within its own deadlines and may be called again; rejects when something could not be closed.
   */
  drain(reason: string): Promise<void>;
}

/** What the person who started the server reads. */
export interface Welcome {
  /** Complete `ssh` commands to try, each with what it reaches; empty where there is none to name. */
  readonly commands: readonly { readonly line: string; readonly note: string }[];
  /** The console's address, with a one-time sign-in link where there is one. */
  readonly console: string;
  /** The data directory. */
  readonly data: string;
  /** One line each: the database, its limits, a missing native library. */
  readonly notes: readonly string[];
}

/** Starts everything; resolves when SSH and HTTP accept connections. Implemented by app/app.ts. */
export type StartApp = (
  config: Config,
  options: { readonly demo: boolean; readonly log: Logger },
) => Promise<RunningApp>;
