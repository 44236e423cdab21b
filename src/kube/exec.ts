import { randomUUID } from 'node:crypto';
import { finished, Readable, Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import type { ContainerExec } from '../domain/container-engine.ts';
import { printable } from '../domain/log.ts';
import type { Window } from '../domain/terminal.ts';
import { ClusterFailure } from './failure.ts';
import { type Status, statusOf } from './status.ts';

/** The first byte of each message (k8s.io/apimachinery/pkg/util/remotecommand). */
const Channel = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const;

/** Between two pings, in milliseconds. */
const PING_MS = 15_000;

/** Pings without any sign of life after which the connection is given up. */
const MOST_SILENT = 4;

/** How long after `close` the streams may take to be read to their ends, in milliseconds. */
const CLOSED_MS = 1000;

/** How long a program may take to begin, in milliseconds. */
const BEGIN_MS = 30_000;

/** The longest status that is read, in bytes. */
const MOST_STATUS = 64 * 1024;

/**
 * One program in a container of a pod, on a connection of its own, in `v5.channel.k8s.io`. What is read
 * of the server waits for the slower of the readers of the two outputs.
 */
export class PodExec implements ContainerExec {
  readonly id = randomUUID();
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exited: Promise<number | null>;
  /**
   * When the program said so, or at once. Rejects with ClusterFailure: `refused`, it has not begun;
   * `unreachable`, it may have.
   */
  readonly begun: Promise<void>;
  readonly #socket: WebSocket;
  readonly #full = new Set<Readable>();
  readonly #closed = Promise.withResolvers<void>();
  readonly #start = Promise.withResolvers<void>();
  /** Whether one byte is still to come before the program's own output. */
  #announced: boolean;
  #status: Status | null = null;
  #over = false;
  #silent = 0;

  /** `announced`: what is run writes one byte when it begins, which nobody else reads. */
  constructor(socket: WebSocket, terminal: Window | null, announced: boolean) {
    this.#socket = socket;
    this.#announced = announced;
    this.stdout = this.#output();
    this.stderr = this.#output();
    this.stdin = this.#input(terminal !== null);
    this.begun = this.#start.promise;
    // Who does not ask is not told.
    this.begun.catch(() => undefined);
    this.exited = this.#whenExited();
    this.#listen();
    if (terminal !== null) void this.resize(terminal);
    if (!announced) this.#start.resolve();
    socket.resume();
  }

  #listen(): void {
    const socket = this.#socket;
    const pings = setInterval(() => this.#ping(), PING_MS);
    pings.unref();
    const latest = setTimeout(() => this.#fail('it had not begun in time'), BEGIN_MS);
    latest.unref();
    this.begun.then(
      () => clearTimeout(latest),
      () => clearTimeout(latest),
    );
    socket.on('message', (data) => this.#take(Buffer.isBuffer(data) ? data : Buffer.alloc(0)));
    socket.on('pong', () => {
      this.#silent = 0;
    });
    socket.once('close', () => {
      clearInterval(pings);
      this.#end();
    });
  }

  resize({ cols, rows }: Window): Promise<void> {
    this.#send(Channel.resize, Buffer.from(JSON.stringify({ Width: cols, Height: rows })));
    return Promise.resolve();
  }

  close(): void {
    this.#socket.terminate();
    this.#end();
    this.#closed.resolve();
    // The ends of streams come to their readers, and there may be none, or one that waits.
    this.stdout.resume();
    this.stderr.resume();
  }

  #fail(reason: string): void {
    this.#start.reject(new ClusterFailure('unreachable', reason));
    this.close();
  }

  #take(message: Buffer): void {
    this.#silent = 0;
    if (this.#over || message.length === 0) return;
    const bytes = message.subarray(1);
    switch (message[0]) {
      case Channel.stdout:
        this.#give(this.stdout, this.#withoutMark(bytes));
        break;
      case Channel.stderr:
        this.#give(this.stderr, bytes);
        break;
      case Channel.status:
        this.#settle(bytes);
        break;
      default:
      // Others are not a server's.
    }
  }

  #withoutMark(bytes: Buffer): Buffer {
    if (!this.#announced || bytes.length === 0) return bytes;
    this.#announced = false;
    this.#start.resolve();
    return bytes.subarray(1);
  }

  #give(to: Readable, bytes: Buffer): void {
    if (bytes.length === 0 || to.push(bytes)) return;
    this.#full.add(to);
    this.#socket.pause();
  }

  /** Comes after all output. An empty one only says that there is a connection. */
  #settle(bytes: Buffer): void {
    if (bytes.length === 0 || bytes.length > MOST_STATUS) return;
    this.#status = statusOf(bytes.toString('utf8'));
    this.#end();
    this.#socket.close(1000);
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#start.reject(notBegun(this.#status));
    this.stdout.push(null);
    this.stderr.push(null);
    // What is left of the connection is its end.
    this.#full.clear();
    this.#socket.resume();
  }

  async #whenExited(): Promise<number | null> {
    const read = Promise.all([ended(this.stdout), ended(this.stderr)]);
    const late = this.#closed.promise.then(() => after(CLOSED_MS));
    await Promise.race([read, late]);
    return this.#status?.code ?? null;
  }

  #output(): Readable {
    const output: Readable = new Readable({
      read: () => {
        this.#full.delete(output);
        if (this.#full.size === 0) this.#socket.resume();
      },
    });
    return output;
  }

  /** A terminal has no end of input, and sshd does nothing there either. */
  #input(terminal: boolean): Writable {
    const input = new Writable({
      write: (chunk: Buffer, _encoding, done) => this.#send(Channel.stdin, chunk, () => done()),
      final: (done) => {
        if (terminal) done();
        else this.#send(Channel.close, Buffer.from([Channel.stdin]), () => done());
      },
    });
    input.on('error', () => undefined);
    return input;
  }

  /** `done` when it is on its way, or nobody is there for it any more. */
  #send(channel: number, bytes: Uint8Array, done: () => void = () => undefined): void {
    if (this.#over || this.#socket.readyState !== this.#socket.OPEN) {
      done();
      return;
    }
    this.#socket.send(Buffer.concat([Buffer.of(channel), bytes]), () => done());
  }

  /** A socket that is not read, since its reader is slow, has no signs of life. */
  #ping(): void {
    if (this.#full.size > 0) return;
    this.#silent += 1;
    if (this.#silent > MOST_SILENT) this.#socket.terminate();
    else if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }
}

/** Without a word of the cluster it may have begun. */
function notBegun(status: Status | null): ClusterFailure {
  if (status === null) return new ClusterFailure('unreachable', 'the connection was lost');
  return new ClusterFailure('refused', printable(status.message || 'it did not say why', 300));
}

function ended(stream: Readable): Promise<void> {
  return new Promise((resolve) => finished(stream, { writable: false }, () => resolve()));
}

function after(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
