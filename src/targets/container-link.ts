import { Duplex } from 'node:stream';
import type { ContainerExec } from '../domain/container-engine.ts';
import { printable } from '../domain/log.ts';
import type { Link } from '../domain/upstream.ts';

/** The most that is kept of what a program says, in characters. */
const MOST_WORDS = 2000;

/** A silent address is tried for as long as its kernel does: some two minutes. In milliseconds. */
const DIAL_MS = 150_000;

/** What a program ends with that was killed, also when that was by the end of its container. */
const KILLED = 137;

/** A connection inside of a container: a program there, begun as `connectCommand` says. */
export class ContainerLink implements Link {
  readonly stream: Duplex;
  readonly closed: Promise<void>;
  /** Null: it stands; else why it does not. Never rejects. */
  readonly begun: Promise<string | null>;
  /** When nothing of the program is left, or it was told to end: true; false: it may run on. Never rejects. */
  readonly left: Promise<boolean>;
  readonly #exec: ContainerExec;
  readonly #hangUp: () => Promise<boolean>;
  readonly #begun = Promise.withResolvers<string | null>();
  readonly #sent = Promise.withResolvers<void>();
  readonly #timer: NodeJS.Timeout;
  #closing: Promise<boolean> | null = null;
  #over = false;
  #killed = false;
  #words = '';
  #received = 0;
  #length: number | null = null;
  #outputEnded = false;

  /** `hangUp`: ends the program; settles as of ProgramEnds. */
  constructor(exec: ContainerExec, hangUp: () => Promise<boolean>) {
    this.#exec = exec;
    this.#hangUp = hangUp;
    this.begun = this.#begun.promise;
    this.#timer = setTimeout(() => this.#answer('it did not answer in time'), DIAL_MS);
    this.stream = new Duplex({
      read: () => void exec.stdout.resume(),
      write: (chunk: Buffer, _encoding, done) => void exec.stdin.write(chunk, () => done()),
      final: (done) => void exec.stdin.end(() => done()),
    });
    this.stream.on('error', () => undefined);
    exec.stdout.on('data', (chunk: Buffer) => this.#take(chunk));
    exec.stderr.setEncoding('utf8');
    exec.stderr.on('data', (text: string) => this.#hear(text));
    this.closed = this.#whenClosed();
    this.left = this.#whenLeft();
  }

  /** Whether its program ended as only others end it: known when `closed` has settled. */
  get isLost(): boolean {
    return this.#killed && this.#closing === null;
  }

  endInput(): void {
    this.stream.end();
  }

  /** Where the program does not say what it has passed on, its end does. */
  async finish(): Promise<void> {
    this.stream.end();
    await Promise.race([this.#sent.promise, this.closed]);
  }

  close(): void {
    this.stream.destroy();
    if (this.#over || this.#closing !== null) return;
    this.#closing = this.#hangUp();
    this.#exec.close();
  }

  async #whenClosed(): Promise<void> {
    const code = await this.#exec.exited;
    this.#over = true;
    this.#killed = code === null || code === KILLED;
    this.#endOutput();
    this.#answer(reasonIn(this.#words));
    if ((await this.begun) !== null) this.stream.destroy();
    if (this.stream.readableEnded || this.stream.destroyed) return;
    await new Promise<void>((resolve) => {
      this.stream.once('end', resolve);
      this.stream.once('close', resolve);
    });
  }

  async #whenLeft(): Promise<boolean> {
    const code = await this.#exec.exited;
    if (this.#closing !== null) return await this.#closing;
    // An engine that is lost says nothing, and its containers may go on.
    return code === null ? await this.#hangUp() : true;
  }

  #answer(why: string | null): void {
    clearTimeout(this.#timer);
    this.#begun.resolve(why);
  }

  #take(chunk: Buffer): void {
    this.#answer(null);
    this.#received += chunk.length;
    if (this.#outputEnded || this.stream.destroyed) return;
    if (!this.stream.push(chunk)) this.#exec.stdout.pause();
    this.#endWhenWhole();
  }

  #hear(text: string): void {
    const lines = (this.#words + text).split('\n');
    const rest = lines.pop() ?? '';
    const said = lines.filter((line) => !this.#isWord(line));
    this.#words = [...said, rest].join('\n').slice(-MOST_WORDS);
  }

  #isWord(line: string): boolean {
    const [, length] = /^@end (\d{1,15})$/.exec(line) ?? [];
    if (line === '@ok') this.#answer(null);
    else if (line === '@sent') this.#sent.resolve();
    else if (length === undefined) return false;
    else {
      this.#length = Number(length);
      this.#endWhenWhole();
    }
    return true;
  }

  /** The word about its end comes beside the output, and may overtake it. */
  #endWhenWhole(): void {
    if (this.#length !== null && this.#received >= this.#length) this.#endOutput();
  }

  #endOutput(): void {
    if (this.#outputEnded) return;
    this.#outputEnded = true;
    this.stream.push(null);
  }
}

/** Of what a program said before it gave up: `@no WHY`, or after `@no` alone its last complaint. */
function reasonIn(words: string): string {
  const lines = words.split('\n').filter((line) => line.trim() !== '' && line !== '@no');
  const last = lines.at(-1) ?? 'it did not say why';
  const why = last.startsWith('@no ') ? last.slice(4) : last.slice(last.lastIndexOf(': ') + 1);
  return printable(why.trim(), 200);
}
