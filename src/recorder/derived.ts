import { constants, type FileHandle, open, rename, rm } from 'node:fs/promises';
import type { DerivedFile } from '../domain/derived-file.ts';
import type { PositionedBytes } from '../domain/positioned-bytes.ts';
import { makeEnvelope } from '../envelope/envelope.ts';
import type { KeyRing } from '../envelope/key-ring.ts';
import { RecordSealer } from '../envelope/record.ts';
import { readableOf, type SealedWith } from './open-cast.ts';

const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** It carries its data key as the recording does, so it is read where that is not. */
export class Derived implements DerivedFile {
  readonly #path: string;
  readonly #ring: KeyRing;
  readonly #source: () => Promise<SealedWith | null>;

  /** `source`: what the recording is encrypted with, null: it is not; may reject. */
  constructor(path: string, ring: KeyRing, source: () => Promise<SealedWith | null>) {
    this.#path = path;
    this.#ring = ring;
    this.#source = source;
  }

  async open(): Promise<PositionedBytes | null> {
    const handle = await open(this.#path, READ).catch(() => null);
    if (handle === null) return null;
    const bytes = await this.#bytesOf(handle).catch(() => null);
    if (bytes === null) await handle.close();
    return bytes;
  }

  /** Null: it is not a plain file, or nothing here opens it. */
  async #bytesOf(handle: FileHandle): Promise<PositionedBytes | null> {
    if (!(await handle.stat()).isFile()) return null;
    const readable = await readableOf({ path: this.#path, handle }, this.#ring);
    return readable.type === 'locked' ? null : readable.bytes;
  }

  async replace(
    write: (append: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
  ): Promise<void> {
    const draft = `${this.#path}.tmp`;
    // What a crash has left.
    await rm(draft, { force: true });
    const handle = await open(draft, NEW, 0o600);
    try {
      await write(await this.#appender(handle));
      await handle.datasync();
      await handle.close();
      await rename(draft, this.#path);
    } catch (thrown) {
      await handle.close().catch(() => undefined);
      await rm(draft, { force: true });
      throw thrown;
    }
  }

  async #appender(handle: FileHandle): Promise<(bytes: Uint8Array) => Promise<void>> {
    const sealed = await this.#source();
    if (sealed === null) return (bytes) => handle.writeFile(bytes);
    const { envelope: source, dataKey } = sealed;
    // Under the same data key: who opens the recording opens this, and nobody else.
    const envelope = makeEnvelope({ ...source, content: 'replay' });
    const sealer = new RecordSealer(dataKey, envelope);
    await handle.writeFile(envelope.line);
    return (bytes) => handle.writeFile(sealer.seal(Buffer.from(bytes)));
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}
