import type { Readable, Writable } from 'node:stream';
import type { ExitInfo } from '../ssh/channel.ts';

/** What a program of the demo machine is started with. */
export interface Launch {
  /** Null: a login shell. */
  readonly command: string | null;
  /** An absolute path. */
  readonly shell: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A program that runs on the demo machine, in a process session of its own. */
export interface Program {
  /** Of the session and of its first process group; null when it could not be started. */
  readonly pid: number | null;
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Null on a terminal, where both are one stream. */
  readonly stderr: Readable | null;
  /** Resolves, and never rejects, when the program has ended and its output has been read. */
  readonly exited: Promise<ExitInfo>;
  resize(cols: number, rows: number): void;
  /** To the process group; `name` is without `SIG`, an unknown one is ignored. */
  signal(name: string): void;
  /** The user's side is gone: HUP to the process group, KILL to what is left of it soon after. */
  hangUp(): void;
}
