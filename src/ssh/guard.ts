/**
 * What all guards stand on: which connections are ours, how one is ended, and how a message of
 * ssh2's table is put under watch.
 */
import {
  library,
  type MessageHandler,
  type OwnerInternals,
  type ProtocolInternals,
} from './internals.ts';

/** The bounds that the guards hold one connection to; see `ServerLimits` for units. */
export interface ConnectionLimits {
  readonly maxAuthTries: number;
  readonly maxChannels: number;
  readonly maxChannelOpens: number;
  readonly maxChannelRequests: number;
  readonly maxGlobalRequests: number;
  readonly maxExecBytes: number;
  readonly maxEnv: number;
  readonly maxEnvBytes: number;
  readonly rekeyTimeoutMs: number;
  readonly rekeyBytes: number;
  readonly rekeyMs: number;
}

/** The peer broke a rule that a guard holds; the connection is over. */
export class GuardViolation extends Error {
  constructor(text: string) {
    super(text);
    this.name = 'GuardViolation';
  }
}

export interface Guarded {
  readonly owner: OwnerInternals;
  readonly limits: ConnectionLimits;
}

const guarded = new WeakMap<ProtocolInternals, Guarded>();

/** Puts a connection under the guards that need to know it: caps, windows, re-keying. */
export function register(owner: OwnerInternals, limits: ConnectionLimits): void {
  guarded.set(owner._protocol, { owner, limits });
}

/** Undefined for connections that this process made without this room, as tests do. */
export function registration(protocol: ProtocolInternals): Guarded | undefined {
  return guarded.get(protocol);
}

/** A value that lives as long as the connection or channel that it belongs to. */
export function lazily<Key extends object, T>(make: (key: Key) => T): (key: Key) => T {
  const made = new WeakMap<Key, T>();
  return (key) => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const fresh = make(key);
    made.set(key, fresh);
    return fresh;
  };
}

/** Bytes seen so far, framing included on the way in, channel data alone on the way out. */
export const traffic = lazily<ProtocolInternals, { in: number; out: number }>(() => ({
  in: 0,
  out: 0,
}));

/**
 * Ends the connection: a DISCONNECT to the peer, 'error' on its owner, no more parsing. What it
 * returns must be returned by a message handler, so that the rest of the chunk is not looked at.
 */
export function fatal(protocol: ProtocolInternals, text: string): number {
  // ssh2 would throw on a second end.
  if (protocol._destruct === undefined) return Number.POSITIVE_INFINITY;
  return library().utils.doFatalError(protocol, new GuardViolation(text));
}

/** Puts `watch` before the handlers of these messages; `next` is what was there. */
export function watchMessages(
  types: readonly number[],
  watch: (protocol: ProtocolInternals, payload: Buffer, next: MessageHandler) => unknown,
): void {
  const table = library().handlers;
  for (const type of types) {
    const next = table[type] ?? (() => undefined);
    table[type] = (protocol, payload) => watch(protocol, payload, next);
  }
}

/** An allowance of `burst` that comes back evenly in ten seconds. */
export class Allowance {
  readonly #burst: number;
  #left: number;
  #at = performance.now();

  constructor(burst: number) {
    this.#burst = burst;
    this.#left = burst;
  }

  /** Takes one; false if there is none. */
  take(): boolean {
    const now = performance.now();
    const back = ((now - this.#at) / 10_000) * this.#burst;
    this.#left = Math.min(this.#burst, this.#left + back);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
