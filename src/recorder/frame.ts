/** What the frames to the recorder's thread are (handoff/frame.ts). */
export const FRAME = { output: 1, error: 2, resize: 3, end: 4, mark: 5, input: 6 } as const;
export type FrameKind = (typeof FRAME)[keyof typeof FRAME];

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
