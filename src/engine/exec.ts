import type { Duplex, Readable } from 'node:stream';
import { finished, Writable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import type { ContainerExec } from '../domain/container-engine.ts';
import type { Window } from '../domain/terminal.ts';
import type { ExecState } from './containers.ts';
import { oneStream, type Streams, twoStreams } from './demux.ts';

/** Between two questions whether a program that closed its streams has ended, in milliseconds: at first, at most. */
const ASK_MS = { first: 5, most: 1000 } as const;

/** How long after `close` the streams may take to be read to their ends, in milliseconds. */
const CLOSED_MS = 1000;

/** What is asked of the engine about one program. */
export interface ExecQuestions {
  /** Rejects when the engine does not say. */
  state(): Promise<ExecState>;
  resize(window: Window): Promise<void>;
}

/** One program in a container, on a connection of its own. */
export class EngineExec implements ContainerExec {
  readonly id: string;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exited: Promise<number | null>;
  readonly #socket: Duplex;
  readonly #questions: ExecQuestions;
  readonly #closed = new AbortController();

  constructor(id: string, socket: Duplex, terminal: boolean, questions: ExecQuestions) {
    const streams: Streams = terminal ? oneStream(socket) : twoStreams(socket);
    this.id = id;
    this.stdout = streams.stdout;
    this.stderr = streams.stderr;
    this.stdin = inputOf(socket, terminal);
    this.#socket = socket;
    this.#questions = questions;
    this.exited = this.#whenExited();
  }

  async resize(window: Window): Promise<void> {
    await this.#questions.resize(window).catch(() => undefined);
  }

  close(): void {
    this.#closed.abort();
    this.#socket.destroy();
    // The ends of streams come to their readers, and there may be none, or one that waits.
    this.stdout.resume();
    this.stderr.resume();
  }

  async #whenExited(): Promise<number | null> {
    const { signal } = this.#closed;
    const read = Promise.all([ended(this.stdout), ended(this.stderr)]);
    await Promise.race([read, after(CLOSED_MS, signal)]);
    for (let pause: number = ASK_MS.first; ; pause = Math.min(pause * 2, ASK_MS.most)) {
      if (signal.aborted) return null;
      const state = await this.#questions.state().catch(() => null);
      if (state === null || !state.running) return state?.exitCode ?? null;
      await wait(pause, undefined, { signal }).catch(() => undefined);
    }
  }
}

function ended(stream: Readable): Promise<void> {
  return new Promise((resolve) => finished(stream, { writable: false }, () => resolve()));
}

/** Settles so many milliseconds after the abort; without one never. */
function after(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => setTimeout(resolve, milliseconds).unref(), {
      once: true,
    });
  });
}

/**
 * A terminal has no end of input: an engine that is told of one lets go of the output too. sshd
 * does nothing there either.
 */
function inputOf(socket: Duplex, terminal: boolean): Writable {
  const input = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      if (!socket.writable) done();
      else if (socket.write(chunk)) done();
      else whenDrained(socket, done);
    },
    final: (done) => {
      if (!terminal) socket.end();
      done();
    },
  });
  input.on('error', () => undefined);
  return input;
}

function whenDrained(socket: Duplex, done: () => void): void {
  const go = (): void => {
    socket.off('drain', go);
    socket.off('close', go);
    done();
  };
  socket.once('drain', go);
  socket.once('close', go);
}
