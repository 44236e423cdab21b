import type { ExitStatus } from '../domain/terminal.ts';
import type { TransferEvent } from '../domain/transfer.ts';
import type { Share } from './budget.ts';
import { Clock } from './clock.ts';
import type { WatchedProgram } from './messages.ts';
import { plainEvent, type Report, type TransferReader } from './reader.ts';
import { ScpReader } from './scp.ts';
import { SftpReader } from './sftp.ts';
import { Unreadable } from './unreadable.ts';

/** Events of one channel; what it does after them is not noted. */
const MOST_EVENTS = 20_000;
const BATCH = 100;
const BATCH_CHARACTERS = 32 * 1024;
const DEFECT = 'a defect of the reader';
/** Milliseconds that an event waits for others. */
const BATCH_MS = 200;

function readerOf(
  program: WatchedProgram,
  clock: Clock,
  report: Report,
  share: Share,
): TransferReader {
  return program.protocol === 'sftp'
    ? new SftpReader(clock, report, share)
    : new ScpReader(clock, program, report, share);
}

/**
 * Reads along what goes through one channel. A stream that cannot be read ends it with one event that
 * says so. No method throws.
 */
export class Watching {
  readonly #clock: Clock;
  readonly #program: WatchedProgram;
  readonly #reader: TransferReader;
  readonly #share: Share;
  readonly #send: (events: readonly TransferEvent[]) => void;
  #waiting: TransferEvent[] = [];
  #characters = 0;
  #timer: NodeJS.Timeout | undefined;
  #events = 0;
  #over = false;

  /** `startedAt`: milliseconds since 1970; `send` takes at most BATCH events. */
  constructor(
    program: WatchedProgram,
    startedAt: number,
    share: Share,
    send: (events: readonly TransferEvent[]) => void,
  ) {
    this.#clock = new Clock(startedAt);
    this.#program = program;
    this.#share = share;
    this.#send = send;
    this.#reader = readerOf(program, this.#clock, (event) => this.#note(event), share);
  }

  /** `at`: milliseconds after the start. */
  fromUser(at: number, chunk: Buffer): void {
    this.#read(at, () => this.#reader.fromUser(chunk));
  }

  toUser(at: number, chunk: Buffer): void {
    this.#read(at, () => this.#reader.toUser(chunk));
  }

  end(at: number, exit: ExitStatus | null): void {
    this.#read(at, () => this.#reader.end(exit));
    this.#finish();
    this.#flush();
  }

  /** Nobody wants to know any more. */
  drop(): void {
    this.#finish();
    this.#waiting = [];
    this.#flush();
  }

  #read(at: number, read: () => void): void {
    if (this.#over) return;
    this.#clock.at = at;
    try {
      read();
    } catch (error) {
      this.#stop(error instanceof Unreadable ? error.message : DEFECT);
    }
  }

  #finish(): void {
    this.#over = true;
    this.#share.close();
  }

  #stop(reason: string): void {
    this.#finish();
    this.#queue(this.#unreadable(reason));
    this.#flush();
  }

  #unreadable(reason: string): TransferEvent {
    const { protocol } = this.#program;
    return plainEvent(this.#clock, { protocol, operation: 'unreadable', path: '', result: reason });
  }

  #note(event: TransferEvent): void {
    this.#events += 1;
    if (this.#events > MOST_EVENTS) throw new Unreadable('more operations than are noted');
    this.#queue(event);
  }

  #queue(event: TransferEvent): void {
    this.#waiting.push(event);
    this.#characters += event.path.length + (event.target?.length ?? 0);
    if (this.#waiting.length >= BATCH || this.#characters >= BATCH_CHARACTERS) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), BATCH_MS);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.length === 0) return;
    const events = this.#waiting;
    this.#waiting = [];
    this.#characters = 0;
    try {
      this.#send(events);
    } catch {
      // The other channels of this thread go on.
      this.#finish();
      this.#send([this.#unreadable(DEFECT)]);
    }
  }
}
