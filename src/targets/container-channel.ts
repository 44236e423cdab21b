import type { ContainerExec } from '../domain/container-engine.ts';
import type { ExitStatus, Window } from '../domain/terminal.ts';
import type { UpstreamChannel } from '../domain/upstream.ts';

/** What a channel needs of its program's surroundings. */
export interface ProgramEnds {
  /** A signal's name without `SIG`. */
  signal(name: string): void;
  /** Ends the program; settles when it was told to (true), or may run on (false). Never rejects. */
  hangUp(): Promise<boolean>;
  /** Whether the container itself ended, which takes all its programs with it. Never rejects. */
  containerEnded(): Promise<boolean>;
}

/** How long the end of a channel waits until its program was told, in milliseconds. */
const TOLD_MS = 5000;

/** What a program ends with that was killed, also when that was by the end of its container. */
const KILLED = 137;

/** A program in a container, as a channel. */
export class ContainerChannel implements UpstreamChannel {
  readonly stdin: NodeJS.WritableStream;
  readonly stdout: NodeJS.ReadableStream;
  readonly stderr: NodeJS.ReadableStream;
  readonly exited: Promise<ExitStatus | null>;
  /** When nothing of the program is left, or it was told to end: true; false: it may run on. Never rejects. */
  readonly left: Promise<boolean>;
  readonly #exec: ContainerExec;
  readonly #ends: ProgramEnds;
  #over = false;
  #closing: Promise<boolean> | null = null;

  constructor(exec: ContainerExec, ends: ProgramEnds) {
    this.stdin = exec.stdin;
    this.stdout = exec.stdout;
    this.stderr = exec.stderr;
    this.#exec = exec;
    this.#ends = ends;
    this.exited = this.#whenExited();
    this.left = this.#whenLeft();
  }

  async #whenExited(): Promise<ExitStatus | null> {
    const code = await this.#exec.exited;
    this.#over = true;
    if (this.#closing !== null) {
      await within(TOLD_MS, this.#closing);
      return null;
    }
    if (code !== null && code !== KILLED) return { type: 'code', code };
    if (await this.#ends.containerEnded()) return null;
    return code === null ? null : { type: 'code', code };
  }

  async #whenLeft(): Promise<boolean> {
    const code = await this.#exec.exited;
    if (this.#closing !== null) return await this.#closing;
    // An engine that is lost says nothing, and its containers may go on.
    return code === null ? await this.#ends.hangUp() : true;
  }

  resize(window: Window): void {
    void this.#exec.resize(window);
  }

  signal(name: string): void {
    if (!this.#over) this.#ends.signal(name);
  }

  /** There is no line that could be broken. */
  sendBreak(): void {
    // Nothing.
  }

  /** An engine reads on whatever happens, so the next output is answered as a closed pipe would be. */
  endOfWrite(): void {
    this.stdout.once('data', () => this.signal('PIPE'));
  }

  close(): void {
    if (this.#over || this.#closing !== null) return;
    this.#closing = this.#ends.hangUp();
    this.#exec.close();
  }
}

/** Settles with `work`, which goes on, or after so many milliseconds. */
async function within(milliseconds: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
