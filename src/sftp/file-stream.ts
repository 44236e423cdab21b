import type { ContainerExec } from '../domain/container-engine.ts';
import { ByteSource } from './byte-source.ts';
import { failureOf, SftpFailure, Status } from './failure.ts';
import { octal, STREAM } from './scripts.ts';
import type { Run } from './tool-shell.ts';

/** How long a file may take to be opened, in milliseconds. */
const OPEN_MS = 30_000;

/** How long a program may take to end that has said all, in milliseconds. */
const ENDING_MS = 30_000;

/** What is kept of a tool's complaints, in bytes. */
const MOST_WORD = 4096;

export interface StreamRequest {
  readonly how: 'read' | 'list' | 'truncate' | 'keep' | 'append' | 'new';
  readonly path: Uint8Array;
  /** In bytes, where in the file to begin. */
  readonly offset: number;
  /** Of a file that is made; null: none is made. */
  readonly mode: number | null;
}

/** The content of one file or directory, through a program of its own that has it open. */
export class FileStream {
  readonly #exec: ContainerExec;
  readonly #output: ByteSource;
  readonly #word: () => string;
  #over = false;
  /** Its number in the container. */
  pid: Buffer = Buffer.alloc(0);

  private constructor(exec: ContainerExec) {
    this.#exec = exec;
    this.#output = new ByteSource(exec.stdout);
    let word = '';
    exec.stderr.on('data', (chunk: Buffer) => {
      if (word.length < MOST_WORD) word += chunk.toString();
    });
    this.#word = () => word.slice(0, MOST_WORD);
    void exec.exited.then(() => {
      this.#over = true;
    });
  }

  /** Rejects with SftpFailure, and as `run` does. */
  static async open(run: Run, shell: string, request: StreamRequest): Promise<FileStream> {
    const { how, path, offset, mode } = request;
    const made = mode === null ? '' : (mode & 0o777).toString(8);
    const args = [how, octal(path), String(offset), made];
    const exec = await run([shell, '-c', STREAM, 'files', ...args]);
    const stream = new FileStream(exec);
    const timer = setTimeout(() => exec.close(), OPEN_MS);
    const [answer, value] = (await stream.#output.fields(MOST_WORD)) ?? [];
    clearTimeout(timer);
    if (value !== undefined && answer?.toString() === 'ok') {
      stream.pid = value;
      return stream;
    }
    if (value === undefined) await exec.exited;
    exec.close();
    throw failureOf(value?.toString() ?? stream.#word());
  }

  /** Whether its program needs to be told to end. */
  get running(): boolean {
    return !this.#over && !this.#output.ended;
  }

  /** As many bytes, fewer only at the end. */
  read(length: number): Promise<Buffer> {
    return this.#output.take(length);
  }

  /** When there is room for more. Rejects with SftpFailure when its program has ended. */
  async write(bytes: Buffer): Promise<void> {
    if (this.#over) throw this.#failure();
    await Promise.race([
      new Promise<void>((done) => this.#exec.stdin.write(bytes, () => done())),
      this.#exec.exited,
    ]);
  }

  /** After everything that was written is in the file. Rejects with SftpFailure when it is not. */
  async finish(): Promise<void> {
    this.#exec.stdin.end();
    await this.#output.pass();
    const code = await this.#exec.exited;
    if (code !== 0) throw this.#failure();
  }

  /** One that has said all ends by itself, and is not let go before that is known. */
  close(): void {
    if (this.running) {
      this.#exec.close();
      return;
    }
    const timer = setTimeout(() => this.#exec.close(), ENDING_MS);
    void this.#exec.exited.then(() => {
      clearTimeout(timer);
      this.#exec.close();
    });
  }

  #failure(): SftpFailure {
    const word = this.#word();
    return word === '' ? new SftpFailure(Status.Failure, 'The container is gone') : failureOf(word);
  }
}
