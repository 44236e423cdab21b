import { parentPort, workerData } from 'node:worker_threads';
import { FRAME_HEADER, type Frame, framesOf } from '../handoff/frame.ts';
import { CastFile } from './cast-file.ts';
import { Disk } from './disk.ts';
import { FRAME } from './frame.ts';
import type { FileTrouble, FromWorker, ToWorker, WorkerSettings } from './messages.ts';
import { Signer } from './signer.ts';

/** The recorder's thread: frames come in, asciicast files come out. Started by thread.ts. */

function troubleOf(thrown: unknown): FileTrouble {
  if (!(thrown instanceof Error)) return { code: null, message: String(thrown) };
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : null;
  return { code, message: thrown.message };
}

class RecorderWorker {
  readonly #settings: WorkerSettings;
  readonly #post: (message: FromWorker, transfer?: ArrayBuffer[]) => void;
  readonly #disk = new Disk();
  readonly #signer: Signer;
  readonly #files = new Map<number, CastFile>();
  /** Those that are being brought to their end. */
  readonly #finishing = new Map<number, CastFile>();
  /** Channels whose file is being made; false: nobody waits for it any more. */
  readonly #opening = new Map<number, boolean>();
  /** Written but not yet told, a channel: one message for all that finishes in one turn. */
  #written = new Map<number, number>();

  constructor(
    settings: WorkerSettings,
    post: (message: FromWorker, transfer?: ArrayBuffer[]) => void,
  ) {
    this.#settings = settings;
    this.#signer = new Signer(settings.sealingKey);
    this.#post = post;
  }

  hear(message: ToWorker): void {
    if (message.type === 'frames') {
      this.#frames(message.buffer, message.used);
      this.#post({ type: 'spare', buffer: message.buffer }, [message.buffer]);
    } else if (message.type === 'open') {
      const { channel } = message;
      this.#opening.set(channel, true);
      this.#open(message)
        .catch((thrown: unknown) => {
          this.#post({ type: 'refused', channel, trouble: troubleOf(thrown) });
        })
        .finally(() => this.#opening.delete(channel));
    } else {
      this.#abandon(message.channel);
    }
  }

  async #open(message: Extract<ToWorker, { type: 'open' }>): Promise<void> {
    const { channel, keys, header, cap, typed } = message;
    const { root, syncDelay, encryption } = this.#settings;
    const start = { root, syncDelay, signer: this.#signer, encryption, keys, header, cap, typed };
    const file = await CastFile.create(start, this.#disk, {
      sealed: (seal) => this.#post({ type: 'sealed', channel, seal }),
      written: (bytes) => this.#tellWritten(channel, bytes),
      failed: (cause) => {
        this.#files.delete(channel);
        this.#post({ type: 'failed', channel, trouble: troubleOf(cause) });
      },
    });
    if (this.#opening.get(channel) === false) {
      await file.abandon();
      return;
    }
    this.#files.set(channel, file);
    this.#post({ type: 'opened', channel, key: file.key });
  }

  #abandon(channel: number): void {
    const file = this.#files.get(channel) ?? this.#finishing.get(channel);
    if (file === undefined) {
      if (this.#opening.has(channel)) this.#opening.set(channel, false);
      return;
    }
    this.#files.delete(channel);
    file.abandon().catch(() => undefined);
  }

  #frames(buffer: ArrayBuffer, used: number): void {
    const touched = new Set<CastFile>();
    for (const frame of framesOf(buffer, used)) {
      const file = this.#files.get(frame.channel);
      if (file === undefined) continue;
      file.add(frame, FRAME_HEADER + frame.payload.length);
      touched.add(file);
      if (frame.kind === FRAME.end) this.#end(frame, file);
    }
    for (const file of touched) file.flush();
  }

  #end({ channel }: Frame, file: CastFile): void {
    this.#files.delete(channel);
    this.#finishing.set(channel, file);
    file
      .finish()
      .then(
        (receipt) => this.#post({ type: 'ended', channel, receipt }),
        // The file's listener has told it.
        () => undefined,
      )
      .finally(() => this.#finishing.delete(channel));
  }

  #tellWritten(channel: number, bytes: number): void {
    if (this.#written.size === 0) setImmediate(() => this.#postWritten());
    this.#written.set(channel, (this.#written.get(channel) ?? 0) + bytes);
  }

  #postWritten(): void {
    const counts = [...this.#written];
    this.#written = new Map();
    this.#post({ type: 'written', counts });
  }
}

const port = parentPort;
if (port === null) throw new Error('this is the recorder thread, not a program');
const worker = new RecorderWorker(workerData as WorkerSettings, (message, transfer) => {
  port.postMessage(message, transfer);
});
port.on('message', (message: ToWorker) => worker.hear(message));
