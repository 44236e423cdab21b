/** Terminals and programs as RFC 4254 §6 names them. */

export interface Window {
  /** Characters; 1 to 65535 once clamped by `clampWindow`. */
  readonly cols: number;
  readonly rows: number;
  /** Pixels; 0 when unknown. */
  readonly width: number;
  readonly height: number;
}

export interface Pty {
  readonly term: string;
  readonly window: Window;
  /** The encoded terminal modes as the client sent them (RFC 4254 §8). */
  readonly modes: Uint8Array;
}

/** What runs on a channel. */
export type Program =
  | { readonly type: 'shell' }
  | {
      readonly type: 'exec';
      /** For people and the record; where the command was not UTF-8, with U+FFFD in it. */
      readonly command: string;
      /** The command as it came, where that is not what `command` encodes to. */
      readonly bytes?: Uint8Array;
    }
  | { readonly type: 'subsystem'; readonly name: string };

/** How a program ended (RFC 4254 §6.10): a status, or the name of a signal without `SIG`. */
export type ExitStatus =
  | { readonly type: 'code'; readonly code: number }
  | {
      readonly type: 'signal';
      readonly signal: string;
      readonly coreDumped: boolean;
      readonly message: string;
    };

/** A shell's way of saying it in one number: a signal is 128 and more. Unknown signals are 255. */
const SIGNAL_NUMBERS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    HUP: 1,
    INT: 2,
    QUIT: 3,
    ILL: 4,
    TRAP: 5,
    ABRT: 6,
    BUS: 7,
    FPE: 8,
    KILL: 9,
    USR1: 10,
    SEGV: 11,
    USR2: 12,
    PIPE: 13,
    ALRM: 14,
    TERM: 15,
  }),
);

export function exitNumber(exit: ExitStatus): number {
  if (exit.type === 'code') return exit.code;
  const number = SIGNAL_NUMBERS.get(exit.signal);
  return number === undefined ? 255 : 128 + number;
}

function clamp(value: number, low: number, high: number): number {
  return Number.isFinite(value) ? Math.min(high, Math.max(low, Math.trunc(value))) : low;
}

/** A window that every terminal can have: a size of 0 (some robots send it) counts as 80x24. */
export function clampWindow(window: Window): Window {
  return {
    cols: window.cols === 0 ? 80 : clamp(window.cols, 1, 65535),
    rows: window.rows === 0 ? 24 : clamp(window.rows, 1, 65535),
    width: clamp(window.width, 0, 65535),
    height: clamp(window.height, 0, 65535),
  };
}
