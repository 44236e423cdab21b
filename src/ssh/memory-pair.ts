import { Duplex } from 'node:stream';

/** One end of a connection inside the process; what is written arrives in a later turn. */
class End extends Duplex {
  other: End | undefined;

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    // At once would mean inside of the writer's own call, where ssh2 is half way through a step.
    setImmediate(() => {
      this.other?.push(bytes);
      done();
    });
  }

  override _final(done: () => void): void {
    setImmediate(() => {
      this.other?.push(null);
      done();
    });
  }
}

/** Two streams, each of which reads what is written to the other. */
export function memoryPair(): readonly [Duplex, Duplex] {
  const [near, far] = [new End(), new End()];
  near.other = far;
  far.other = near;
  return [near, far];
}
