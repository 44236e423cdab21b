import { Duplex, PassThrough, Writable } from 'node:stream';
import { type DownstreamStreams, Pipe, type Tap } from '../../src/proxy/pipe.ts';

export const HIGH_WATER = 64 * 1024;

/** Takes what it is given when it is told to. */
class SlowSink extends Writable {
  readonly got: Buffer[] = [];
  isOpen: boolean;
  #held: (() => void) | null = null;

  constructor(isOpen: boolean) {
    super({ highWaterMark: HIGH_WATER });
    this.isOpen = isOpen;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.got.push(chunk);
    if (this.isOpen) done();
    else this.#held = done;
  }

  open(): void {
    this.isOpen = true;
    this.#held?.();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.got);
  }
}

/** The user's side: what the user sends is pushed by the test. */
class User extends Duplex implements DownstreamStreams {
  readonly stderr: SlowSink;
  readonly screen: SlowSink;

  constructor(isOpen: boolean) {
    super({ highWaterMark: HIGH_WATER });
    this.screen = new SlowSink(isOpen);
    this.stderr = new SlowSink(isOpen);
  }

  override _read(): void {}

  override _write(chunk: Buffer, encoding: BufferEncoding, done: () => void): void {
    this.screen.write(chunk, encoding, () => done());
  }
}

export class Notebook implements Tap {
  readonly seen: string[] = [];
  full = false;
  takesInput = false;
  listeners: (() => void)[] = [];

  output(chunk: Uint8Array): boolean {
    this.seen.push(`tap out ${Buffer.from(chunk).toString()}`);
    return !this.full;
  }

  error(chunk: Uint8Array): boolean {
    this.seen.push(`tap err ${Buffer.from(chunk).toString()}`);
    return !this.full;
  }

  input(chunk: Uint8Array): boolean {
    this.seen.push(`tap in ${Buffer.from(chunk).toString()}`);
    return !this.full;
  }

  onDrain(listener: () => void): void {
    this.listeners.push(listener);
  }

  drain(): void {
    this.full = false;
    for (const listener of this.listeners.splice(0)) listener();
  }
}

/** A pipe between a machine and a user of streams in this process. */
export function pipeStage(
  options: { readonly userOpen?: boolean; readonly machineOpen?: boolean } = {},
) {
  const stdin = new SlowSink(options.machineOpen ?? true);
  const stdout = new PassThrough({ highWaterMark: HIGH_WATER });
  const stderr = new PassThrough({ highWaterMark: HIGH_WATER });
  const user = new User(options.userOpen ?? true);
  const tap = new Notebook();
  const pipe = new Pipe({ stdin, stdout, stderr }, user, tap);
  return { stdin, stdout, stderr, user, tap, pipe };
}

/** Lets everything that is under way in this process come to rest. */
export async function rest(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Writes until the stream wants no more, and is still of that mind after a rest. */
export async function fill(stream: Writable, chunk: Buffer): Promise<number> {
  let written = 0;
  for (let idle = 0; idle < 3; ) {
    if (stream.writableNeedDrain) {
      idle += 1;
      await rest();
    } else {
      idle = 0;
      stream.write(chunk);
      written += chunk.length;
      if (written > 64 * 1024 * 1024) throw new Error('no back-pressure');
    }
  }
  return written;
}
