import type { ContainerExec } from '../domain/container-engine.ts';
import { ByteSource } from './byte-source.ts';
import { failureOf, SftpFailure, Status } from './failure.ts';
import { octal, REQUESTS } from './scripts.ts';

/** Begins a program in the container, as its login; rejects when it cannot begin. */
export type Run = (command: readonly string[]) => Promise<ContainerExec>;

/** What one answer can hold, in bytes: a path and some. */
const MOST_ANSWER = 16 * 1024;

/** How long the tools of a container may take to be there, in milliseconds. */
const READY_MS = 30_000;

/** One shell in a container that does, one after another, what takes no more than a tool. */
export class ToolShell {
  readonly #exec: ContainerExec;
  readonly #answers: ByteSource;
  #last: Promise<unknown> = Promise.resolve();
  /** Where its programs begin: an absolute path. */
  readonly home: Buffer;

  private constructor(exec: ContainerExec, answers: ByteSource, home: Buffer) {
    this.#exec = exec;
    this.#answers = answers;
    this.home = home;
  }

  /** Rejects as `run` does; a string: the tools that the image lacks. */
  static async begin(run: Run, shell: string): Promise<ToolShell | string> {
    const exec = await run([shell, '-c', REQUESTS, 'files']);
    exec.stderr.resume();
    const answers = new ByteSource(exec.stdout);
    const timer = setTimeout(() => exec.close(), READY_MS);
    const [how, value] = (await answers.fields(MOST_ANSWER)) ?? [];
    clearTimeout(timer);
    if (value !== undefined && how?.toString() === 'ok') {
      return new ToolShell(exec, answers, value);
    }
    exec.close();
    return value?.toString().trim() ?? 'a shell that answers';
  }

  /** When it has ended, whyever. */
  get exited(): Promise<number | null> {
    return this.#exec.exited;
  }

  /** Its value. Rejects with SftpFailure. */
  ask(what: string, first: Uint8Array, second: Uint8Array = Buffer.from('-')): Promise<Buffer> {
    const answer = this.#last.then(async () => {
      this.#exec.stdin.write(`${what} ${octal(first)} ${octal(second)}\n`);
      const [how, value] = (await this.#answers.fields(MOST_ANSWER)) ?? [];
      if (value === undefined) throw new SftpFailure(Status.Failure, 'The container is gone');
      if (how?.toString() !== 'ok') throw failureOf(value.toString());
      return value;
    });
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  /** Ends when it has done what it was asked. */
  end(): void {
    void this.#last.then(() => this.#exec.stdin.end());
  }

  /** Lets it go at once; what it does it ends by itself. */
  close(): void {
    this.#exec.close();
  }
}
