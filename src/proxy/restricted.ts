import { finished, Transform } from 'node:stream';
import type { ExitStatus, Window } from '../domain/terminal.ts';
import type { UpstreamChannel } from '../domain/upstream.ts';
import { type OnRefused, SftpFilter } from '../transfer/sftp-filter.ts';

/** An SFTP channel to a machine on which files may go one way alone. */
export class RestrictedChannel implements UpstreamChannel {
  readonly stdin: Transform;
  readonly stdout: Transform;
  readonly stderr: NodeJS.ReadableStream;
  readonly exited: Promise<ExitStatus | null>;
  readonly #up: UpstreamChannel;
  #broken = false;

  /** `onBroken` is called once, when something came that cannot be read: nothing more goes through. */
  constructor(
    up: UpstreamChannel,
    ways: 'upload' | 'download',
    onRefused: OnRefused,
    onBroken: (cause: unknown) => void,
  ) {
    const filter = new SftpFilter(ways, onRefused);
    this.#up = up;
    this.stderr = up.stderr;
    this.stdin = this.#through((chunk) => filter.toMachine(chunk), onBroken);
    this.stdout = this.#through((chunk) => filter.toUser(chunk), onBroken);
    this.stdin.pipe(up.stdin);
    up.stdout.pipe(this.stdout);
    // A machine that is lost ends nothing.
    up.stdout.once('close', () => this.stdout.end());
    this.exited = this.#whenExited();
  }

  resize(window: Window): void {
    this.#up.resize(window);
  }

  signal(name: string): void {
    this.#up.signal(name);
  }

  sendBreak(length: number): void {
    this.#up.sendBreak(length);
  }

  endOfWrite(): void {
    this.#up.endOfWrite();
  }

  close(): void {
    this.#up.close();
    this.stdin.unpipe();
    this.stdin.resume();
    this.stdout.resume();
  }

  /** What the filter gave has to be read, too. */
  async #whenExited(): Promise<ExitStatus | null> {
    const read = new Promise<void>((resolve) => {
      finished(this.stdout, () => resolve());
    });
    const [exit] = await Promise.all([this.#up.exited, read]);
    return exit;
  }

  #through(filter: (chunk: Buffer) => Buffer, onBroken: (cause: unknown) => void): Transform {
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        if (this.#broken) {
          done();
          return;
        }
        try {
          const out = filter(chunk);
          if (out.length > 0) done(null, out);
          else done();
        } catch (error) {
          this.#broken = true;
          done();
          onBroken(error);
        }
      },
    });
  }
}
