/**
 * How a chunk travels to another thread: `u32` channel, `u8` kind with `u24` length, `f64`
 * microseconds after the channel's start, then the bytes; little endian. No JSON, no object a chunk.
 * What the kinds mean is between the two ends.
 */

/** Bytes before a frame's payload. */
export const FRAME_HEADER = 16;

/** Bytes of one buffer of frames; also the most that one frame can hold, its header included. */
export const BUFFER_SIZE = 256 * 1024;

export interface Frame {
  readonly channel: number;
  readonly kind: number;
  /** After the channel's start. */
  readonly micros: number;
  /** A view of the buffer: good until the buffer goes back. */
  readonly payload: Uint8Array;
}

/** Writes one frame at `at`; answers where the next one goes. The caller has made sure of the room. */
export function putFrame(view: DataView, at: number, frame: Frame): number {
  view.setUint32(at, frame.channel, true);
  view.setUint32(at + 4, (frame.kind << 24) | frame.payload.length, true);
  view.setFloat64(at + 8, frame.micros, true);
  const from = at + FRAME_HEADER;
  new Uint8Array(view.buffer, from, frame.payload.length).set(frame.payload);
  return from + frame.payload.length;
}

/** The frames in the first `used` bytes of a buffer, in order. */
export function* framesOf(buffer: ArrayBuffer, used: number): Generator<Frame> {
  const view = new DataView(buffer);
  let at = 0;
  while (at < used) {
    const word = view.getUint32(at + 4, true);
    const length = word & 0xffffff;
    yield {
      channel: view.getUint32(at, true),
      kind: word >>> 24,
      micros: view.getFloat64(at + 8, true),
      payload: new Uint8Array(buffer, at + FRAME_HEADER, length),
    };
    at += FRAME_HEADER + length;
  }
}
