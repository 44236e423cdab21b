import { constants, type FileHandle, open, realpath } from 'node:fs/promises';
import { namesOfRecipients } from '../domain/age-key.ts';
import { PosternError } from '../domain/errors.ts';
import type { PositionedBytes } from '../domain/positioned-bytes.ts';
import { EncryptedBytes } from '../envelope/encrypted-bytes.ts';
import { type Envelope, readEnvelope } from '../envelope/envelope.ts';
import { FileBytes } from '../envelope/file-bytes.ts';
import type { KeyRing } from '../envelope/key-ring.ts';
import { assertNoLinks, pathOfKey, sessionOfKey } from './key.ts';

/** Where recordings lie, and what opens those that are encrypted. */
export interface Shelf {
  readonly root: string;
  readonly ring: KeyRing;
}

function isAbsent(thrown: unknown): boolean {
  if (!(thrown instanceof Error) || !('code' in thrown)) return false;
  return thrown.code === 'ENOENT' || thrown.code === 'ENOTDIR';
}

/**
 * Opens a recording's file as it lies, never through a symbolic link. Null when there is none (a
 * directory or a device is none either). The caller closes it.
 */
export async function openCast(root: string, key: string, flags = constants.O_RDONLY) {
  pathOfKey(root, key);
  try {
    const path = pathOfKey(await realpath(root), key);
    await assertNoLinks(path);
    // O_NONBLOCK: opening a FIFO that somebody put there must not wait for its other end.
    const handle = await open(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = await handle.stat();
    if (stats.isFile()) return { path, handle, stats };
    await handle.close();
    return null;
  } catch (thrown) {
    if (isAbsent(thrown)) return null;
    throw thrown;
  }
}

/** As `openCast`; rejects with `recording.missing` when there is none. */
export async function openPresentCast(root: string, key: string) {
  const cast = await openCast(root, key);
  if (cast === null) throw new PosternError('recording.missing', { id: sessionOfKey(key) });
  return cast;
}

/** How an opened file is read. */
export type Readable =
  | { readonly type: 'plain'; readonly bytes: PositionedBytes }
  | { readonly type: 'encrypted'; readonly bytes: EncryptedBytes; readonly sealed: SealedWith }
  | { readonly type: 'locked'; readonly envelope: Envelope; readonly why: 'no_key' | 'other_key' };

/** What the records of a file are sealed with. */
export interface SealedWith {
  readonly envelope: Envelope;
  readonly dataKey: Buffer;
}

/** Says how a file is to be read; does not close it. */
export async function readableOf(
  file: { readonly path: string; readonly handle: FileHandle },
  ring: KeyRing,
): Promise<Readable> {
  const bytes = new FileBytes(file.handle);
  const envelope = await readEnvelope(bytes);
  if (envelope === null) return { type: 'plain', bytes };
  const dataKey = await ring.dataKey(file.path, envelope);
  if (dataKey === 'other_key') return { type: 'locked', envelope, why: 'other_key' };
  if (dataKey === null) return { type: 'locked', envelope, why: 'no_key' };
  const opened = new EncryptedBytes(bytes, envelope, dataKey);
  return { type: 'encrypted', bytes: opened, sealed: { envelope, dataKey } };
}

/**
 * What was recorded, by position, whether or not it lies encrypted. Rejects with `recording.missing`
 * and `recording.encrypted`. The caller closes it.
 */
export async function openReadable({ root, ring }: Shelf, key: string): Promise<PositionedBytes> {
  const cast = await openPresentCast(root, key);
  try {
    const readable = await readableOf(cast, ring);
    if (readable.type !== 'locked') return readable.bytes;
    throw lockedError(key, readable.envelope);
  } catch (thrown) {
    await cast.handle.close();
    throw thrown;
  }
}

/** What is said of a recording that is encrypted, and that nothing here opens. */
export function lockedError(key: string, { recipients }: Envelope): PosternError {
  const names = namesOfRecipients(recipients);
  return new PosternError('recording.encrypted', { id: sessionOfKey(key), recipients: names });
}
