/** What the recorder sees of a channel; see domain/recording.ts. */
export interface Tap {
  output(chunk: Uint8Array): boolean;
  error(chunk: Uint8Array): boolean;
  /** Whether it is to see what the user sends. */
  readonly takesInput: boolean;
  input(chunk: Uint8Array): boolean;
  onDrain(listener: () => void): void;
}

/** Reads along what goes through; see TransferWatch in domain/transfer.ts. */
export interface Beside {
  fromUser(chunk: Uint8Array): boolean;
  toUser(chunk: Uint8Array): boolean;
  onDrain(listener: () => void): void;
}

/** The machine's side: three streams. */
export interface UpstreamStreams {
  readonly stdin: NodeJS.WritableStream;
  readonly stdout: NodeJS.ReadableStream;
  readonly stderr: NodeJS.ReadableStream;
}

/** The user's side: one duplex stream and its stderr. */
export interface DownstreamStreams extends NodeJS.ReadableStream {
  readonly writable: boolean;
  write(chunk: Uint8Array): boolean;
  readonly stderr: NodeJS.WritableStream;
}

export interface PipeCounts {
  /** From the user to the machine, bytes. */
  bytesIn: number;
  /** From the machine to the user, bytes; stdout and stderr. */
  bytesOut: number;
}

/**
 * Carries bytes both ways, untouched, with back-pressure end to end: a source is paused while its
 * sink, the tap or who reads along has as much as it may hold. The tap is given each chunk before the user is
 * (invariant 2). Knows no policy.
 */
export class Pipe {
  readonly counts: PipeCounts = { bytesIn: 0, bytesOut: 0 };
  /** Monotonic milliseconds of the last byte either way. */
  lastByteAt = performance.now();
  readonly #up: UpstreamStreams;
  readonly #down: DownstreamStreams;
  #tap: Tap | null;
  /** What nobody is to see any more. */
  readonly #discarded = new Set<NodeJS.ReadableStream>();
  readonly #beside: Beside | null;

  constructor(
    up: UpstreamStreams,
    down: DownstreamStreams,
    tap: Tap | null,
    beside: Beside | null = null,
  ) {
    this.#up = up;
    this.#down = down;
    this.#tap = tap;
    this.#beside = beside;
  }

  start(): void {
    const { stdin, stdout, stderr } = this.#up;
    const down = this.#down;
    const beside = this.#beside;
    this.#carryOut(
      stdout,
      down,
      (chunk) => !down.writable || down.write(chunk),
      (chunk, gate) => {
        const tap = this.#tap;
        if (tap !== null && !tap.output(chunk)) tap.onDrain(gate.close());
        if (beside !== null && !beside.toUser(chunk)) beside.onDrain(gate.close());
      },
    );
    this.#carryOut(
      stderr,
      down.stderr,
      (chunk) => !down.stderr.writable || down.stderr.write(chunk),
      (chunk, gate) => {
        const tap = this.#tap;
        if (tap !== null && !tap.error(chunk)) tap.onDrain(gate.close());
      },
    );
    const gate = new Gate(down);
    let reopen = (): void => undefined;
    down.on('data', (chunk: Buffer) => {
      this.counts.bytesIn += chunk.length;
      this.lastByteAt = performance.now();
      const tap = this.#tap;
      if (tap?.takesInput === true && !tap.input(chunk)) tap.onDrain(gate.close());
      if (beside !== null && !beside.fromUser(chunk)) beside.onDrain(gate.close());
      // A program may end before it has read its input: what comes then is for nobody, and a write
      // after the end would keep the channel's end from ever being told.
      if (stdin.writable && !stdin.write(chunk)) {
        reopen = gate.close();
        stdin.once('drain', reopen);
      }
    });
    // Without a reader there is no drain either.
    stdin.once('close', () => reopen());
    down.once('end', () => stdin.end());
  }

  /** From now on nothing goes to the user; the machine is read to its end, so that it can end. */
  discard(): void {
    this.#tap = null;
    this.discardOutput();
    this.#discard(this.#up.stderr);
  }

  /** The same of stdout alone. */
  discardOutput(): void {
    this.#discard(this.#up.stdout);
  }

  #discard(source: NodeJS.ReadableStream): void {
    this.#discarded.add(source);
    source.resume();
  }

  /** From now on nothing is recorded; what went before stays. */
  detachTap(): void {
    this.#tap = null;
  }

  #carryOut(
    source: NodeJS.ReadableStream,
    sink: NodeJS.EventEmitter,
    write: (chunk: Buffer) => boolean,
    watch: (chunk: Buffer, gate: Gate) => void,
  ): void {
    const gate = new Gate(source);
    source.on('data', (chunk: Buffer) => {
      if (this.#discarded.has(source)) return;
      this.counts.bytesOut += chunk.length;
      this.lastByteAt = performance.now();
      watch(chunk, gate);
      // A tap that fails inside `watch` may have stopped the pipe.
      if (!this.#discarded.has(source) && !write(chunk)) sink.once('drain', gate.close());
    });
  }
}

/** Holds a source while anybody downstream of it asks for a pause. */
export class Gate {
  readonly #source: NodeJS.ReadableStream;
  #closed = 0;

  constructor(source: NodeJS.ReadableStream) {
    this.#source = source;
  }

  /** Pauses the source; what is returned undoes that, once. */
  close(): () => void {
    this.#closed += 1;
    this.#source.pause();
    let open = false;
    return () => {
      if (open) return;
      open = true;
      this.#closed -= 1;
      if (this.#closed === 0) this.#source.resume();
    };
  }
}
