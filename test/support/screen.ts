import { type IPty, spawn } from '@lydell/node-pty';
import xterm from '@xterm/headless';
import { readToTheEnd, streamOf } from '../../src/demo/pty-stream.ts';
import { plainEnvironment } from './environment.ts';
import { within } from './eventually.ts';

/**
 * A program under a real terminal (a PTY of the kernel), with an emulator that shows what a person
 * would see.
 */
export class Screen implements AsyncDisposable {
  readonly #pty: IPty;
  readonly #emulator: xterm.Terminal;
  readonly #exit = Promise.withResolvers<number>();
  readonly #looks = new Set<() => void>();
  #raw = '';
  #ended = false;
  /** Ended, and everything that it wrote is on the screen. */
  #complete = false;

  constructor(
    file: string,
    args: readonly string[],
    options: {
      readonly cols?: number;
      readonly rows?: number;
      readonly cwd?: string;
      readonly env?: Readonly<Record<string, string>>;
    } = {},
  ) {
    const { cols = 80, rows = 24 } = options;
    // The library sets it anew.
    const { TERM: name = 'xterm-256color' } = options.env ?? {};
    this.#emulator = new xterm.Terminal({ cols, rows, scrollback: 2000, allowProposedApi: true });
    this.#pty = spawn(file, [...args], {
      name,
      cols,
      rows,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: plainEnvironment({ TERM: 'xterm-256color', ...options.env }),
    });
    // What a program said last, before it ended, is shown however busy this process is.
    readToTheEnd(streamOf(this.#pty));
    this.#pty.onData((data) => {
      this.#raw += data;
      this.#emulator.write(data, () => this.#look());
    });
    this.#pty.onExit(({ exitCode, signal }) => {
      this.#ended = true;
      // Everything that was written before is shown before.
      this.#emulator.write('', () => {
        this.#complete = true;
        this.#exit.resolve(signal ? 128 + signal : exitCode);
        this.#look();
      });
    });
  }

  #look(): void {
    for (const look of this.#looks) look();
  }

  /** The client's pid. */
  get pid(): number {
    return this.#pty.pid;
  }

  /** What the program wrote, escape sequences and all. */
  get raw(): string {
    return this.#raw;
  }

  /** The visible rows, each without spaces at its end. */
  get rows(): string[] {
    const buffer = this.#emulator.buffer.active;
    return Array.from({ length: this.#emulator.rows }, (_, row) =>
      (buffer.getLine(buffer.baseY + row)?.translateToString(true) ?? '').trimEnd(),
    );
  }

  /** The visible rows and all above them. */
  get text(): string {
    const buffer = this.#emulator.buffer.active;
    const lines = Array.from({ length: buffer.length }, (_, row) =>
      (buffer.getLine(row)?.translateToString(true) ?? '').trimEnd(),
    );
    return lines.join('\n').trimEnd();
  }

  /** Keys, as a keyboard sends them. */
  type(keys: string): void {
    this.#pty.write(keys);
  }

  resize(cols: number, rows: number): void {
    this.#emulator.resize(cols, rows);
    this.#pty.resize(cols, rows);
  }

  /** Resolves when the screen is as wanted; rejects with the screen at the deadline. */
  async until(
    what: string,
    wanted: (screen: Screen) => boolean,
    deadlineMs = 20_000,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      if (wanted(this)) resolve();
      else if (this.#complete) reject(new Error('the program has ended'));
    };
    this.#looks.add(look);
    look();
    try {
      await within(what, promise, deadlineMs);
    } catch (error) {
      throw new Error(`${what}: ${String(error)}\nthe screen:\n${this.text}`, { cause: error });
    } finally {
      this.#looks.delete(look);
    }
  }

  /** Until the text on the screen (and above it) matches. */
  async shows(pattern: RegExp | string, deadlineMs?: number): Promise<void> {
    const wanted = (): boolean =>
      typeof pattern === 'string' ? this.text.includes(pattern) : pattern.test(this.text);
    await this.until(`the screen shows ${pattern}`, wanted, deadlineMs);
  }

  /** The exit status as a shell has it; rejects at the deadline. */
  async exited(deadlineMs = 20_000): Promise<number> {
    return await within(
      'the program under the terminal ends',
      this.#exit.promise,
      deadlineMs,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\nthe screen:\n${this.text}`, { cause: error });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) {
      this.#pty.kill('SIGKILL');
      await this.exited(5000);
    }
    this.#emulator.dispose();
  }
}
