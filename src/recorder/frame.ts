/**
 * How a chunk travels to the recorder's thread: `u32` channel, `u8` kind with `u24` length, `f64`
 * microseconds after the channel's start, then the bytes; little endian. No JSON, no object a chunk.
 */

export const FRAME = { output: 1, error: 2, resize: 3, end: 4 } as const;
export type FrameKind = (typeof FRAME)[keyof typeof FRAME];

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

export function resizePayload(cols: number, rows: number): Uint8Array {
  const payload = new Uint8Array(4);
  const view = new DataView(payload.buffer);
  view.setUint16(0, cols, true);
  view.setUint16(2, rows, true);
  return payload;
}

/** `COLSxROWS`, as the `r` event writes it: columns first. */
export function readResize(payload: Uint8Array): string {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return `${view.getUint16(0, true)}x${view.getUint16(2, true)}`;
}

/** Null: nobody said how the program ended. */
export function endPayload(status: number | null): Uint8Array {
  if (status === null) return new Uint8Array(0);
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setUint32(0, status >>> 0, true);
  return payload;
}

export function readEnd(payload: Uint8Array): number | null {
  if (payload.length === 0) return null;
  return new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getUint32(0, true);
}
