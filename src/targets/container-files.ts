import { finished, Readable } from 'node:stream';
import type { ContainerExec } from '../domain/container-engine.ts';
import type { ExitStatus } from '../domain/terminal.ts';
import type { UpstreamChannel } from '../domain/upstream.ts';
import { SftpServer } from '../sftp/server.ts';
import type { Run, ToolShell } from '../sftp/tool-shell.ts';

interface Surroundings {
  readonly run: Run;
  readonly shell: string;
  readonly tools: ToolShell;
  /** Whether the container itself ended. Never rejects. */
  containerEnded(): Promise<boolean>;
}

/** How long programs may take to end when the channel has, before their streams are let go, in milliseconds. */
const LAST_MS = 5000;

/** The subsystem `sftp` of a container whose image has none. */
export class ContainerFiles implements UpstreamChannel {
  readonly stdin: NodeJS.WritableStream;
  readonly stdout: NodeJS.ReadableStream;
  readonly stderr: NodeJS.ReadableStream = Readable.from([]);
  readonly exited: Promise<ExitStatus | null>;
  readonly #server: SftpServer;
  readonly #about: Surroundings;
  readonly #lastMs: number;
  readonly #running = new Set<ContainerExec>();
  #closed = false;
  #letGo = false;

  /** `lastMs`: instead of LAST_MS. */
  constructor(about: Surroundings, lastMs = LAST_MS) {
    this.#about = about;
    this.#lastMs = lastMs;
    this.#server = new SftpServer({ ...about, run: (command) => this.#run(command) });
    this.stdin = this.#server.stdin;
    this.stdout = this.#server.stdout;
    this.exited = this.#whenExited();
  }

  async #run(command: readonly string[]): Promise<ContainerExec> {
    const exec = await this.#about.run(command);
    this.#running.add(exec);
    void exec.exited.then(() => this.#running.delete(exec));
    if (this.#letGo) exec.close();
    return exec;
  }

  /** What a shell or a `cat` is in a container its users decide, and it may not end with its input. */
  #letGoLater(): void {
    const late = setTimeout(() => {
      this.#letGo = true;
      for (const exec of this.#running) exec.close();
      this.#about.tools.close();
    }, this.#lastMs);
    late.unref();
  }

  async #whenExited(): Promise<ExitStatus | null> {
    const { tools } = this.#about;
    void tools.exited.then(() => this.#server.close(false));
    const well = await this.#server.ended;
    tools.end();
    this.#letGoLater();
    await new Promise<void>((resolve) => finished(this.#server.stdout, () => resolve()));
    if (this.#closed || (!well && (await this.#about.containerEnded()))) return null;
    return { type: 'code', code: well ? 0 : 1 };
  }

  /** No terminal, no line and no program that a signal could reach. */
  resize(): void {
    // Nothing.
  }

  signal(): void {
    // Nothing.
  }

  sendBreak(): void {
    // Nothing.
  }

  endOfWrite(): void {
    this.#server.close(true);
  }

  close(): void {
    this.#closed = true;
    this.#server.close(true);
    this.#server.stdout.destroy();
  }
}
