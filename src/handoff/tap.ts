import { BUFFER_SIZE, FRAME_HEADER, putFrame } from './frame.ts';

/** A chunk is cut over two buffers only where at least this much of it fits in the first. */
const SMALLEST_PIECE = 1024;

/** Empty buffers kept for the next chunks: 4 MB, what one busy channel has under way. */
const MOST_SPARES = 16;

/**
 * The gateway's end of the way to another thread (the recorder's, the observer's), one for all channels: chunks are copied one
 * behind the other into a buffer, which goes when it is full or `maxAge` old. So a chunk costs one
 * copy, and a thousand idle channels cost nothing.
 */
export class Tap {
  readonly #send: (buffer: ArrayBuffer, used: number) => void;
  /** Milliseconds. */
  readonly #maxAge: number;
  #view: DataView<ArrayBuffer> | null = null;
  #used = 0;
  #timer: NodeJS.Timeout | null = null;
  readonly #spares: ArrayBuffer[] = [];

  /** `send` takes the buffer over, for good or until `recycle`. */
  constructor(maxAge: number, send: (buffer: ArrayBuffer, used: number) => void) {
    this.#maxAge = maxAge;
    this.#send = send;
  }

  /** Copies the payload; answers how many bytes of frames it became. */
  put(channel: number, kind: number, micros: number, payload: Uint8Array): number {
    let from = 0;
    let taken = 0;
    do {
      const rest = payload.length - from;
      const view = this.#room(Math.min(rest, SMALLEST_PIECE));
      const length = Math.min(rest, BUFFER_SIZE - this.#used - FRAME_HEADER);
      const piece = length === payload.length ? payload : payload.subarray(from, from + length);
      this.#used = putFrame(view, this.#used, { channel, kind, micros, payload: piece });
      from += length;
      taken += FRAME_HEADER + length;
    } while (from < payload.length);
    return taken;
  }

  /** Sends what there is now. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const view = this.#view;
    const used = this.#used;
    this.#view = null;
    this.#used = 0;
    if (view !== null) this.#send(view.buffer, used);
  }

  /** A buffer that was sent has come back empty. */
  recycle(buffer: ArrayBuffer): void {
    if (this.#spares.length < MOST_SPARES) this.#spares.push(buffer);
  }

  #room(payload: number): DataView<ArrayBuffer> {
    if (this.#view !== null && BUFFER_SIZE - this.#used < FRAME_HEADER + payload) this.flush();
    if (this.#view === null) {
      this.#view = new DataView(this.#spares.pop() ?? new ArrayBuffer(BUFFER_SIZE));
      this.#timer = setTimeout(() => this.flush(), this.#maxAge);
    }
    return this.#view;
  }
}
