import { createHash } from 'node:crypto';
import type { Bucket, StoredObject } from './bucket.ts';
import { BucketError } from './bucket-error.ts';
import { type Digest, etagOf } from './digest.ts';
import { digestParts, MOST_BYTES, partBytes, partEnds, readPart } from './parts.ts';
import type { Spool, SpoolFile } from './spool.ts';
import { UploadNotes } from './upload-notes.ts';

/** What came to the store. */
export interface Shipped {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  readonly modifiedAt: Date;
}

/** What is sent, by the file as it is now. */
interface Cargo {
  readonly file: SpoolFile;
  /** Of all of it, hex. */
  readonly sha256: string;
  readonly parts: readonly Digest[];
  readonly inParts: boolean;
}

const NOT_WHOLE = 'what the store has is not what was sent';

/**
 * One recording on its way to the store: in one piece when it is small, else part by part, of which some
 * go while it is being written. Call after call, one at a time; each rejects with BucketError, or with
 * what the disk says, and may be called again.
 */
export class Shipment {
  readonly #bucket: Bucket;
  readonly #spool: Spool;
  readonly #key: string;
  readonly #name: string;
  #notes: UploadNotes | null = null;

  constructor(bucket: Bucket, spool: Spool, key: string) {
    this.#bucket = bucket;
    this.#spool = spool;
    this.#key = key;
    this.#name = bucket.nameOf(key);
  }

  /** Whether a part more is there of one that is being written. */
  async hasPart(): Promise<boolean> {
    const notes = await this.#noted();
    const bytes = (await this.#spool.bytesOf(this.#key)) ?? 0;
    return bytes >= notes.bytes + partBytes(notes.parts.length + 1) && bytes <= MOST_BYTES;
  }

  /** Sends the next part of a recording that is being written. */
  async sendPart(): Promise<void> {
    const notes = await this.#noted();
    const file = await this.#open();
    try {
      // What a loss of power can still take must not be in the store: it would not be what is here.
      await file.handle.datasync();
      const number = notes.parts.length + 1;
      const upload = notes.upload ?? (await this.#beginUpload(notes));
      const { body, digest } = await readPart(
        file.handle,
        notes.bytes,
        notes.bytes + partBytes(number),
      );
      const etag = await this.#bucket.putPart(this.#name, upload, number, body, digest);
      await notes.sent(number, { ...digest, etag });
    } catch (error) {
      throw await this.#begunAnew(error, notes);
    } finally {
      await file.handle.close();
    }
  }

  /** Sends what is missing of a recording that has ended; resolves when the store is proven to have it. */
  async finish(): Promise<Shipped> {
    const notes = await this.#noted();
    const file = await this.#open();
    try {
      if (file.bytes > MOST_BYTES) throw new Error('it is too large for the store');
      await file.handle.datasync();
      const { sha256, parts } = await digestParts(file.handle, file.bytes);
      const inParts = notes.upload !== null || parts.length > 1;
      const cargo = { file, sha256, parts, inParts };
      await this.#send(cargo, notes);
      await notes.forget();
      return { bytes: file.bytes, sha256, modifiedAt: file.modifiedAt };
    } finally {
      await file.handle.close();
    }
  }

  /** Nothing of it stays in the store. */
  async withdraw(): Promise<void> {
    for (const upload of await this.#bucket.uploads(this.#name)) {
      await this.#bucket.abort(this.#name, upload);
    }
    await this.#bucket.remove(this.#name);
    await (await this.#noted()).forget();
  }

  async #noted(): Promise<UploadNotes> {
    this.#notes ??= await UploadNotes.read(this.#spool.uploadPath(this.#key));
    return this.#notes;
  }

  async #open(): Promise<SpoolFile> {
    const file = await this.#spool.open(this.#key);
    if (file === null) throw new Error('its file is not there');
    return file;
  }

  /** What a crash began and could not note any more goes first. */
  async #beginUpload(notes: UploadNotes): Promise<string> {
    for (const stray of await this.#bucket.uploads(this.#name)) {
      await this.#bucket.abort(this.#name, stray);
    }
    const upload = await this.#bucket.createUpload(this.#name);
    await notes.begun(upload);
    return upload;
  }

  async #send(cargo: Cargo, notes: UploadNotes): Promise<void> {
    const before = await this.#bucket.head(this.#name);
    if (before !== null) {
      // It was sent, and a crash came before that could be noted; or it is somebody else's.
      if (await this.#isWhole(before, cargo)) return await this.#dropUpload(notes);
      throw new Error(`another object lies at ${this.#name} already`);
    }
    if (cargo.inParts) await this.#sendInParts(cargo, notes);
    else await this.#sendWhole(cargo);
    const after = await this.#bucket.head(this.#name);
    // A disk that stalled may have taken the last lines after the recording was given up.
    const { size } = await cargo.file.handle.stat();
    if (after !== null && size === after.bytes && (await this.#isWhole(after, cargo))) return;
    await this.#bucket.remove(this.#name);
    throw new BucketError('refused', NOT_WHOLE);
  }

  async #dropUpload({ upload }: UploadNotes): Promise<void> {
    if (upload !== null) await this.#bucket.abort(this.#name, upload);
  }

  async #sendWhole({ file }: Cargo): Promise<void> {
    const { body, digest } = await readPart(file.handle, 0, file.bytes);
    await this.#bucket.put(this.#name, body, digest);
  }

  async #sendInParts(cargo: Cargo, notes: UploadNotes): Promise<void> {
    try {
      const upload = notes.upload ?? (await this.#beginUpload(notes));
      let from = 0;
      let number = 0;
      for (const to of partEnds(cargo.file.bytes)) {
        number += 1;
        // Repairing it after a crash may have changed what was sent before.
        if (notes.parts[number - 1]?.sha256 !== cargo.parts[number - 1]?.sha256) {
          const { body, digest } = await readPart(cargo.file.handle, from, to);
          const etag = await this.#bucket.putPart(this.#name, upload, number, body, digest);
          await notes.sent(number, { ...digest, etag });
        }
        from = to;
      }
      const etags = notes.parts.slice(0, number).map(({ etag }) => etag);
      await this.#bucket.complete(this.#name, upload, etags);
    } catch (error) {
      throw await this.#begunAnew(error, notes);
    }
  }

  /** The store forgets uploads, by its rules or after completing one: then the next try begins anew. */
  async #begunAnew(error: unknown, notes: UploadNotes): Promise<unknown> {
    if (!(error instanceof BucketError) || error.trouble !== 'gone') return error;
    await notes.forget();
    return new BucketError('away', 'the store does not know the upload any more', error);
  }

  /** By its size and its ETag; where that is made in another way, by all of its bytes. */
  async #isWhole({ bytes, etag }: StoredObject, cargo: Cargo): Promise<boolean> {
    const { file, sha256, parts, inParts } = cargo;
    if (bytes !== file.bytes) return false;
    if (etag === etagOf(parts, inParts)) return true;
    const hash = createHash('sha256');
    const { body } = await this.#bucket.get(this.#name);
    for await (const piece of body) hash.update(piece);
    return hash.digest('hex') === sha256;
  }
}
