import { mkdir, realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { ChannelRecording, Recorder, RecordingStart } from '../domain/recording.ts';
import type { RecordingEncryption } from '../domain/recording-keys.ts';
import { clampWindow } from '../domain/terminal.ts';
import { InFlight } from '../handoff/in-flight.ts';
import { TappedChannel } from './channel.ts';
import type { TerminalSize } from './encoder.ts';
import { headerLine } from './header.ts';
import { recordingKey } from './key.ts';
import type { FileTrouble, FromWorker } from './messages.ts';
import { SpaceWatch } from './space.ts';
import { RecorderThread, type ThreadListener, type ThreadSettings } from './thread.ts';

/**
 * Milliseconds: whatever was handed over this long ago has been given to fdatasync, as long as the
 * disk and the recorder's thread keep up. A quarter of it may pass in the tap, the rest in the
 * thread.
 */
export const COMMIT_INTERVAL_MS = 100;

/** Bytes of one channel that may wait for the disk before its machine is paused. */
const MAX_IN_FLIGHT = 4 * 1024 * 1024;

/** Bytes of all channels: a stalled disk under many sessions must not take the memory. */
const MAX_TOTAL_IN_FLIGHT = 64 * 1024 * 1024;

/** Bytes of a program's output without a terminal that are kept; the rest is counted and hashed. */
const PIPED_CAP = 16 * 1024 * 1024;

/** Milliseconds that starting, ending and closing wait for the disk. */
const DEADLINE_MS = 10_000;

/** Names tried for one recording, should the first be taken by a file of an older database. */
const MOST_NAMES = 20;

export interface RecorderOptions {
  /** The directory of all recordings; made with mode 0700 when it is not there. */
  readonly root: string;
  /** The private key that parts are sealed with, as PEM (signer.ts). */
  readonly sealingKey: string;
  readonly log: Logger;
  /** Null, the default: recordings are not encrypted. */
  readonly encryption?: RecordingEncryption | null;
  /** Bytes that have to be free for a new recording; 0, the default: any room will do. */
  readonly minFree?: number;
  readonly commitIntervalMs?: number;
  readonly maxInFlight?: number;
  readonly maxTotalInFlight?: number;
  readonly pipedCap?: number;
  readonly deadlineMs?: number;
  /** How the recorder's thread is started, again after it has died. */
  readonly startThread?: StartThread;
}

type StartThread = (settings: ThreadSettings, listener: ThreadListener) => RecorderThread;

/** Rejects when the directory cannot be made or read. */
export async function openRecorder(options: RecorderOptions): Promise<Recorder> {
  await mkdir(options.root, { recursive: true, mode: 0o700 });
  const root = await realpath(resolve(options.root));
  const { minFree: least = 0, log } = options;
  return new ThreadedRecorder(root, await SpaceWatch.open({ root, least, log }), options);
}

interface Opening {
  readonly takesInput: boolean;
  readonly resolve: (channel: TappedChannel) => void;
  readonly reject: (cause: Error) => void;
}

function troubleError(trouble: FileTrouble): Error {
  return Object.assign(new Error(trouble.message), { code: trouble.code });
}

/** The terminal's size where what is typed is recorded; null: it is not. */
function typedOn({ pty, input }: RecordingStart): TerminalSize | null {
  if (pty === null || input !== true) return null;
  const { cols, rows } = clampWindow(pty.window);
  return { cols, rows };
}

class ThreadedRecorder implements Recorder {
  readonly #log: Logger;
  readonly #space: SpaceWatch;
  readonly #cap: number;
  readonly #deadline: number;
  readonly #inFlight: InFlight;
  readonly #settings: ThreadSettings;
  readonly #startThread: StartThread;
  #thread: RecorderThread | null = null;
  readonly #openings = new Map<number, Opening>();
  readonly #channels = new Map<number, TappedChannel>();
  #lastId = 0;
  #closed: Promise<void> | null = null;

  constructor(root: string, space: SpaceWatch, options: RecorderOptions) {
    this.#space = space;
    this.#log = options.log;
    this.#cap = options.pipedCap ?? PIPED_CAP;
    this.#deadline = options.deadlineMs ?? DEADLINE_MS;
    this.#inFlight = new InFlight(
      options.maxInFlight ?? MAX_IN_FLIGHT,
      options.maxTotalInFlight ?? MAX_TOTAL_IN_FLIGHT,
    );
    this.#startThread =
      options.startThread ?? ((settings, listener) => new RecorderThread(settings, listener));
    this.#settings = {
      root,
      commitInterval: options.commitIntervalMs ?? COMMIT_INTERVAL_MS,
      sealingKey: options.sealingKey,
      encryption: options.encryption ?? null,
    };
    // The first session is not to wait for the thread to load.
    this.#running();
  }

  async start(recording: RecordingStart): Promise<ChannelRecording> {
    if (this.#closed !== null) throw new PosternError('session.draining');
    if (this.#space.state === 'low') throw new PosternError('recording.no_room');
    const thread = this.#running();
    this.#lastId = (this.#lastId + 1) >>> 0;
    const id = this.#lastId;
    try {
      return await this.#open(id, thread, recording);
    } catch (cause) {
      this.#log.error('a recording cannot be made', {
        session: recording.sessionId,
        channel: recording.channel,
        reason: reasonOf(cause),
      });
      throw new PosternError('recording.refused', {}, { cause });
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#space.close();
    const ends = [...this.#channels.values()].map((channel) => channel.end(null));
    // Each end has its deadline.
    await Promise.allSettled(ends);
    await this.#thread?.stop();
    this.#giveUp(new Error('the recorder was closed'));
  }

  #open(id: number, thread: RecorderThread, recording: RecordingStart): Promise<TappedChannel> {
    const { promise, resolve, reject } = Promise.withResolvers<TappedChannel>();
    const timer = setTimeout(() => {
      thread.post({ type: 'abandon', channel: id });
      reject(new Error(`the file was not there after ${this.#deadline} ms`));
    }, this.#deadline);
    const typed = typedOn(recording);
    this.#openings.set(id, { takesInput: typed !== null, resolve, reject });
    thread.post({
      type: 'open',
      channel: id,
      keys: Array.from({ length: MOST_NAMES }, (_, index) => recordingKey(recording, index + 1)),
      header: headerLine(recording),
      cap: recording.pty === null ? this.#cap : null,
      typed,
    });
    return promise.finally(() => {
      clearTimeout(timer);
      this.#openings.delete(id);
    });
  }

  #running(): RecorderThread {
    this.#thread ??= this.#startThread(this.#settings, {
      message: (message) => this.#hear(message),
      died: (cause) => this.#died(cause),
    });
    return this.#thread;
  }

  #hear(message: FromWorker): void {
    switch (message.type) {
      case 'opened':
        this.#opened(message.channel, message.key);
        break;
      case 'refused':
        this.#openings.get(message.channel)?.reject(troubleError(message.trouble));
        break;
      case 'written':
        for (const [id, bytes] of message.counts) this.#channels.get(id)?.written(bytes);
        this.#inFlight.settle();
        break;
      case 'sealed':
        this.#channels.get(message.channel)?.sealed(message.seal);
        break;
      case 'ended':
        this.#channels.get(message.channel)?.ended(message.receipt);
        this.#forget(message.channel);
        break;
      case 'failed':
        this.#channels.get(message.channel)?.fail(troubleError(message.trouble));
        break;
      case 'spare':
        this.#thread?.tap.recycle(message.buffer);
        break;
    }
  }

  #opened(id: number, key: string): void {
    const opening = this.#openings.get(id);
    if (opening === undefined || this.#thread === null) return;
    const lane = this.#inFlight.lane();
    const { takesInput } = opening;
    const { tap } = this.#thread;
    const channel = new TappedChannel(key, id, tap, lane, { deadline: this.#deadline, takesInput });
    this.#channels.set(id, channel);
    channel.onFailure((error) => {
      this.#log.error('a recording broke', { key, reason: reasonOf(error.cause) });
      // What is left of it will be sealed: nothing may be written behind that.
      this.#thread?.post({ type: 'abandon', channel: id });
      this.#forget(id);
    });
    opening.resolve(channel);
  }

  get queued(): number {
    return this.#inFlight.total;
  }

  #forget(id: number): void {
    this.#channels.delete(id);
    this.#inFlight.settle();
  }

  #died(cause: Error): void {
    this.#thread = null;
    this.#log.error('the recorder thread died', { reason: reasonOf(cause) });
    this.#giveUp(cause);
  }

  #giveUp(cause: Error): void {
    for (const opening of this.#openings.values()) opening.reject(cause);
    for (const channel of [...this.#channels.values()]) channel.fail(cause);
  }
}
