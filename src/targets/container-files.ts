import { finished, Readable } from 'node:stream';
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

/** The subsystem `sftp` of a container whose image has none. */
export class ContainerFiles implements UpstreamChannel {
  readonly stdin: NodeJS.WritableStream;
  readonly stdout: NodeJS.ReadableStream;
  readonly stderr: NodeJS.ReadableStream = Readable.from([]);
  readonly exited: Promise<ExitStatus | null>;
  readonly #server: SftpServer;
  readonly #about: Surroundings;
  #closed = false;

  constructor(about: Surroundings) {
    this.#about = about;
    this.#server = new SftpServer(about);
    this.stdin = this.#server.stdin;
    this.stdout = this.#server.stdout;
    this.exited = this.#whenExited();
  }

  async #whenExited(): Promise<ExitStatus | null> {
    const { tools } = this.#about;
    void tools.exited.then(() => this.#server.close(false));
    const well = await this.#server.ended;
    tools.end();
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
