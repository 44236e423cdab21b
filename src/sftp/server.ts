import { PassThrough, Writable } from 'node:stream';
import { Fields } from '../transfer/fields.ts';
import { Sftp } from '../transfer/sftp-messages.ts';
import { Unreadable } from '../transfer/unreadable.ts';
import { versionAnswer } from './answers.ts';
import { type FilesPlace, Requests } from './requests.ts';

/** As OpenSSH's server: what a write of 256 KiB needs, and some. */
const MOST_PACKET = 257 * 1024;

const LENGTH_BYTES = 4;

/**
 * SFTP version 3 (draft-ietf-secsh-filexfer-02) over the tools of a container. A chunk is taken when all
 * requests in it are answered, so a client waits for the files, and no more is held than a packet and a chunk.
 */
export class SftpServer {
  /** From the client. */
  readonly stdin: Writable;
  /** To it. */
  readonly stdout = new PassThrough();
  /** When the client has said all and was answered, or what it said was no SFTP: then false. Never rejects. */
  readonly ended: Promise<boolean>;
  readonly #requests: Requests;
  readonly #end: (well: boolean) => void;
  #held: Buffer = Buffer.alloc(0);
  #over = false;

  constructor(place: FilesPlace) {
    this.#requests = new Requests(place);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.ended = promise;
    this.#end = resolve;
    this.stdin = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.#take(chunk).then(
          () => done(),
          () => {
            this.close(false);
            done();
          },
        );
      },
      final: (done) => {
        this.close(true);
        done();
      },
    });
    this.stdin.on('error', () => undefined);
  }

  /** Lets go of all files; the client is answered no more. */
  close(well: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#requests.abandonAll();
    this.stdout.end();
    this.#end(well);
  }

  async #take(chunk: Buffer): Promise<void> {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    while (!this.#over && this.#held.length >= LENGTH_BYTES) {
      const length = this.#held.readUInt32BE();
      if (length < 5 || length > MOST_PACKET) throw new Unreadable('a packet of no valid length');
      const end = LENGTH_BYTES + length;
      if (this.#held.length < end) break;
      const packet = this.#held.subarray(LENGTH_BYTES, end);
      this.#held = this.#held.subarray(end);
      await this.#say(await this.#answer(packet));
    }
    // A packet's rest alone, not what it came with; and never memory that somebody else writes to.
    this.#held = Buffer.from(this.#held);
  }

  async #answer(packet: Buffer): Promise<Buffer> {
    const type = packet.readUInt8();
    if (type === Sftp.Init) return versionAnswer();
    const fields = new Fields(packet.subarray(1));
    return await this.#requests.answer(type, fields.uint32(), fields);
  }

  /** When there is room for more. */
  async #say(answer: Buffer): Promise<void> {
    if (this.#over || this.stdout.write(answer)) return;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        this.stdout.off('drain', go);
        this.stdout.off('close', go);
        resolve();
      };
      this.stdout.once('drain', go);
      this.stdout.once('close', go);
    });
  }
}
