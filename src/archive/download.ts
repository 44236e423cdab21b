import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { ArchivedFile } from '../domain/archive.ts';
import { PosternError } from '../domain/errors.ts';
import type { Bucket } from './bucket.ts';
import { BucketError } from './bucket-error.ts';

/** What came is written as it comes; answers whether it is what was noted. Rejects with BucketError. */
export async function download(
  bucket: Bucket,
  key: string,
  noted: ArchivedFile,
  to: FileHandle,
): Promise<'whole' | 'altered'> {
  const hash = createHash('sha256');
  const { body } = await bucket.get(bucket.nameOf(key));
  let bytes = 0;
  for await (const piece of body) {
    // No more of it than was sent has a place here.
    if (bytes + piece.length > noted.bytes) return 'altered';
    hash.update(piece);
    await to.writeFile(piece);
    bytes += piece.length;
  }
  const isSame = bytes === noted.bytes && hash.digest('hex') === noted.sha256;
  return isSame ? 'whole' : 'altered';
}

/** What the reader of a recording is told. */
export function readerError(thrown: unknown, id: string): unknown {
  if (!(thrown instanceof BucketError)) return thrown;
  switch (thrown.trouble) {
    case 'gone':
      return new PosternError('recording.missing', { id }, { cause: thrown });
    case 'away':
    case 'refused':
      return new PosternError('recording.away', { id }, { cause: thrown });
  }
}
