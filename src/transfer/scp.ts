import { printable } from '../domain/log.ts';
import type { Share } from './budget.ts';
import type { Clock } from './clock.ts';
import type { TransferProgram } from './command.ts';
import { OpenFile } from './open-file.ts';
import { plainEvent, type Report, type TransferReader } from './reader.ts';
import { ScpLine, type ScpOrder, scpOrder } from './scp-line.ts';
import { scpPath } from './scp-path.ts';
import { Unreadable } from './unreadable.ts';

type ScpProgram = Extract<TransferProgram, { protocol: 'scp' }>;

const MOST_DEPTH = 128;
const MOST_SHOWN = 1024;
const READ = 1;
const WRITE = 2;

/**
 * Of the source: a control line is read; it waits for its answer; content; after it one byte, or a
 * line that says why there is no more; the answer to that is waited for.
 */
type State = 'line' | 'asked' | 'data' | 'status' | 'trouble' | 'said';

/**
 * Follows scp's old protocol (rcp's): the source sends lines and contents, the sink answers each with
 * a byte, and neither goes on without the other. Uploads have the user as source.
 */
export class ScpReader implements TransferReader {
  readonly #clock: Clock;
  readonly #program: ScpProgram;
  readonly #report: Report;
  readonly #share: Share;
  readonly #directories: string[] = [];
  readonly #sourceLine = new ScpLine();
  readonly #sinkLine = new ScpLine();
  #state: State = 'line';
  #file: OpenFile | null = null;
  #left = 0;
  #offset = 0;
  /** Of the sink: the first byte is its call for the first line. */
  #called = false;
  /** The sink's answer is a line that is being read. */
  #refusing = false;
  /** The line that waits for its answer names a directory. */
  #entering = false;

  constructor(clock: Clock, program: ScpProgram, report: Report, share: Share) {
    this.#clock = clock;
    this.#share = share;
    this.#program = program;
    this.#report = report;
  }

  fromUser(chunk: Buffer): void {
    if (this.#program.direction === 'upload') this.#source(chunk);
    else this.#sink(chunk);
  }

  toUser(chunk: Buffer): void {
    if (this.#program.direction === 'upload') this.#sink(chunk);
    else this.#source(chunk);
  }

  end(): void {
    this.#finish('cut');
  }

  #source(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#state === 'data') rest = this.#data(rest);
      else if (this.#state === 'status') rest = this.#status(rest);
      else if (this.#state === 'line' || this.#state === 'trouble') {
        rest = this.#sourceLine.take(rest, (line) => this.#control(line));
      } else throw new Unreadable('scp went on without an answer');
    }
  }

  /** After a file's content: 0, or how reading it failed, as a line. */
  #status(chunk: Buffer): Buffer {
    if (chunk[0] !== 0) {
      this.#state = 'trouble';
      return chunk;
    }
    this.#state = 'said';
    return chunk.subarray(1);
  }

  #data(chunk: Buffer): Buffer {
    const piece = chunk.subarray(0, this.#left);
    const file = this.#file;
    if (file) {
      const way = this.#program.direction === 'upload' ? 'write' : 'read';
      file.piece(way, this.#offset, piece.length);
      file.feed(piece);
      if (way === 'write') file.bytesWritten += piece.length;
      else file.bytesRead += piece.length;
    }
    this.#offset += piece.length;
    this.#left -= piece.length;
    if (this.#left === 0) this.#state = 'status';
    return chunk.subarray(piece.length);
  }

  #control(line: Buffer): void {
    if (this.#state === 'trouble') {
      this.#state = 'said';
      this.#file?.fail(troubleOf(line));
      return;
    }
    // An error of the source: it goes on with the next file.
    if ((line[0] ?? 0) <= 2) {
      this.#failed(troubleOf(line));
      return;
    }
    this.#state = 'asked';
    this.#entering = false;
    this.#order(scpOrder(line.toString('utf8')));
  }

  #order(order: ScpOrder): void {
    if (order.type === 'times') return;
    if (order.type === 'leave') {
      this.#leave();
      return;
    }
    const path = scpPath(this.#program, this.#directories.at(-1), order.name);
    if (order.type === 'enter') {
      this.#entering = true;
      if (this.#directories.length >= MOST_DEPTH) throw new Unreadable('too many directories');
      this.#share.hold(path);
      this.#directories.push(path);
      return;
    }
    const flags = this.#program.direction === 'upload' ? WRITE : READ;
    this.#file = new OpenFile(this.#clock, 'scp', printable(path, MOST_SHOWN), flags);
    this.#left = order.size;
    this.#offset = 0;
  }

  #leave(): void {
    const left = this.#directories.pop();
    if (left !== undefined) this.#share.release(left);
  }

  /** The source could not begin with a file that was asked for: which one is in its words. */
  #failed(result: string): void {
    const { direction, paths } = this.#program;
    const path = printable(paths.join(' '), MOST_SHOWN);
    const about = { protocol: 'scp', operation: 'file', path, direction, result } as const;
    this.#report(plainEvent(this.#clock, about));
  }

  /** The sink's answers: 0, or 1 or 2 and a line. */
  #sink(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#refusing) rest = this.#sinkLine.take(rest, (line) => this.#refused(line));
      else rest = this.#answer(rest);
    }
  }

  #answer(chunk: Buffer): Buffer {
    const [byte = 0] = chunk;
    if (byte > 2) throw new Unreadable('an answer that is none of scp');
    if (byte === 0) this.#accepted();
    else this.#refusing = true;
    return chunk.subarray(1);
  }

  #accepted(): void {
    if (!this.#called) {
      this.#called = true;
    } else if (this.#state === 'asked') {
      if (this.#file === null) this.#state = 'line';
      else this.#state = this.#left === 0 ? 'status' : 'data';
    } else if (this.#state === 'said') {
      this.#finish('ok');
      this.#state = 'line';
    } else throw new Unreadable('an answer of scp that nothing asked for');
  }

  #refused(line: Buffer): void {
    this.#refusing = false;
    this.#called = true;
    if (this.#state === 'asked' && this.#entering) this.#leave();
    this.#finish(troubleOf(line));
    // What comes next is another line, whatever was asked for; content that is under way goes on.
    if (this.#state === 'asked' || this.#state === 'said') this.#state = 'line';
  }

  #finish(result: string): void {
    const file = this.#file;
    this.#file = null;
    if (file) this.#report(file.event(result));
  }
}

/** What one side says of its trouble, without the byte in front. */
function troubleOf(line: Buffer): string {
  const words = line.subarray((line[0] ?? 0) <= 2 ? 1 : 0).toString('utf8');
  return printable(words.replace(/^scp: /, '').trim() || 'failure', 200);
}
