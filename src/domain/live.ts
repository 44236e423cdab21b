/** How a recording that was followed went out: sealed to its end, or left without one. */
export type LiveEnd = 'complete' | 'broken';

/** One who follows a recording while it is written. */
export interface LiveViewer {
  /** One frame of ALiS v1. `sent` is called once it takes no room here any more, or never will. */
  send(frame: Uint8Array, sent: () => void): void;
  /** Nothing comes any more; what was sent before is to arrive. */
  ended(how: LiveEnd): void;
  /** Following broke; trying again may help. */
  failed(): void;
}

export interface LiveView {
  /** Nothing comes any more; idempotent. */
  leave(): void;
  /** Nobody writes the recording any more: it ends where its file does. */
  finish(): void;
}

/**
 * Recordings of this node while they are written, as streams of asciinema's ALiS v1 protocol: the screen
 * as it is, then what happens. Implemented by live/live.ts.
 */
export interface LiveRecordings {
  /**
   * `key` as in RecordingLibrary. `redacted`: the viewer is sent the screen without what is secret on it, each time that
   * it has changed, and not what changed it. Throws `live.full`.
   */
  watch(key: string, viewer: LiveViewer, redacted: boolean): LiveView;
}
