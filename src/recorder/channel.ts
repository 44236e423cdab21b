import { PosternError } from '../domain/errors.ts';
import type { ChannelRecording, RecordingReceipt } from '../domain/recording.ts';
import type { Seal } from '../domain/seal.ts';
import { clampWindow, type ExitStatus, exitNumber, type Window } from '../domain/terminal.ts';
import type { Lane } from '../handoff/in-flight.ts';
import type { Tap } from '../handoff/tap.ts';
import { endPayload, FRAME, type FrameKind, resizePayload } from './frame.ts';

/** Marks that one recording keeps. */
const MOST_MARKS = 1000;

/** UTF-16 units of one: in UTF-8 fewer bytes than a frame is ever cut at (handoff/tap.ts). */
const LONGEST_MARK = 340;

interface TappedOptions {
  /** Milliseconds; how long `end` waits for the disk. */
  readonly deadline: number;
  readonly takesInput: boolean;
}

/** One channel's recording as the gateway sees it. */
export class TappedChannel implements ChannelRecording {
  readonly key: string;
  readonly takesInput: boolean;
  readonly #id: number;
  readonly #tap: Tap;
  readonly #lane: Lane;
  readonly #deadline: number;
  readonly #started = performance.now();
  readonly #receipt = Promise.withResolvers<RecordingReceipt>();
  readonly #listeners: ((error: Error) => void)[] = [];
  #onSeal: (seal: Seal) => void = () => undefined;
  #state: 'live' | 'ending' | 'ended' | 'failed' = 'live';
  #failure: Error | null = null;
  #timer: NodeJS.Timeout | null = null;
  #marks = 0;

  constructor(key: string, id: number, tap: Tap, lane: Lane, options: TappedOptions) {
    const { deadline, takesInput } = options;
    this.key = key;
    this.takesInput = takesInput;
    this.#id = id;
    this.#tap = tap;
    this.#lane = lane;
    this.#deadline = deadline;
    // Who never calls `end` hears of the failure by `onFailure`.
    this.#receipt.promise.catch(() => undefined);
  }

  /** Whether the receipt is in, or never will be. */
  get isOver(): boolean {
    return this.#state === 'ended' || this.#state === 'failed';
  }

  output(chunk: Uint8Array): boolean {
    return this.#put(FRAME.output, chunk);
  }

  error(chunk: Uint8Array): boolean {
    return this.#put(FRAME.error, chunk);
  }

  input(chunk: Uint8Array): boolean {
    return this.takesInput ? this.#put(FRAME.input, chunk) : true;
  }

  resize(window: Window): void {
    const { cols, rows } = clampWindow(window);
    this.#put(FRAME.resize, resizePayload(cols, rows));
  }

  mark(text: string): void {
    this.#marks += 1;
    if (this.#marks > MOST_MARKS + 1) return;
    const said = this.#marks > MOST_MARKS ? 'postern: more marks than are kept' : text;
    this.#put(FRAME.mark, Buffer.from(said.slice(0, LONGEST_MARK).toWellFormed()));
  }

  onDrain(listener: () => void): void {
    this.#lane.onDrain(listener);
  }

  onFailure(listener: (error: Error) => void): void {
    if (this.#failure === null) this.#listeners.push(listener);
    else listener(this.#failure);
  }

  onSeal(listener: (seal: Seal) => void): void {
    this.#onSeal = listener;
  }

  end(exit: ExitStatus | null): Promise<RecordingReceipt> {
    if (this.#state === 'live') {
      this.#put(FRAME.end, endPayload(exit === null ? null : exitNumber(exit)));
      this.#state = 'ending';
      this.#tap.flush();
      this.#timer = setTimeout(() => {
        this.fail(new Error(`the recording was not on disk after ${this.#deadline} ms`));
      }, this.#deadline);
    }
    return this.#receipt.promise;
  }

  /** The worker's word: these bytes of frames are with the operating system. */
  written(bytes: number): void {
    if (!this.isOver) this.#lane.written(bytes);
  }

  /** The worker's word: a part is sealed, and on disk. */
  sealed(seal: Seal): void {
    this.#onSeal(seal);
  }

  ended(receipt: RecordingReceipt): void {
    if (!this.#over('ended')) return;
    this.#receipt.resolve(receipt);
  }

  /** `cause` is for the log. Chunks that come after are nobody's. */
  fail(cause: Error): void {
    if (!this.#over('failed')) return;
    const failure = new PosternError('recording.broke', {}, { cause });
    this.#failure = failure;
    this.#receipt.reject(failure);
    for (const listener of this.#listeners.splice(0)) listener(failure);
    this.#lane.close();
  }

  #put(kind: FrameKind, payload: Uint8Array): boolean {
    if (this.#state !== 'live') return true;
    if (payload.length === 0 && kind !== FRAME.end) return true;
    const micros = (performance.now() - this.#started) * 1000;
    return this.#lane.add(this.#tap.put(this.#id, kind, micros, payload));
  }

  #over(state: 'ended' | 'failed'): boolean {
    if (this.isOver) return false;
    this.#state = state;
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (state === 'ended') this.#lane.close();
    return true;
  }
}
