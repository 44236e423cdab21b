import { type FileHandle, open } from 'node:fs/promises';
import { identitiesIn } from '../app/identity-file.ts';
import { namesOfRecipients } from '../domain/age-key.ts';
import { reasonOf } from '../domain/log.ts';
import type { PositionedBytes } from '../domain/positioned-bytes.ts';
import { unwrapDataKey } from '../envelope/data-key.ts';
import { EncryptedBytes } from '../envelope/encrypted-bytes.ts';
import { type Envelope, readEnvelope } from '../envelope/envelope.ts';
import { FileBytes } from '../envelope/file-bytes.ts';
import { unreadable } from './given-file.ts';
import { CommandFailure } from './shell.ts';

/** A recording's file, open; what is encrypted is read as what was recorded. */
export type RecordingFile =
  | { readonly type: 'plain'; readonly bytes: PositionedBytes }
  | { readonly type: 'encrypted'; readonly bytes: EncryptedBytes };

/**
 * What `use` makes of a recording's file, opened with the identities in the file of `--identity` where it is
 * encrypted. Throws CommandFailure, also when none is given and one is needed.
 */
export async function withRecordingFile<T>(
  path: string,
  identityFile: string | undefined,
  use: (file: RecordingFile) => Promise<T>,
): Promise<T> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw unreadable(path, error);
  });
  try {
    return await use(await opened(path, handle, identityFile));
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    throw new CommandFailure(1, `${path} cannot be read: ${reasonOf(error)}`, { cause: error });
  } finally {
    await handle.close();
  }
}

async function opened(
  path: string,
  handle: FileHandle,
  identityFile: string | undefined,
): Promise<RecordingFile> {
  const file = new FileBytes(handle);
  const envelope = await readEnvelope(file);
  if (envelope === null) return { type: 'plain', bytes: file };
  const dataKey = await dataKeyOf(path, envelope, identityFile);
  return { type: 'encrypted', bytes: new EncryptedBytes(file, envelope, dataKey) };
}

async function dataKeyOf(
  path: string,
  { recipients, wrapped }: Envelope,
  identityFile: string | undefined,
): Promise<Buffer> {
  const names = namesOfRecipients(recipients);
  if (identityFile === undefined) {
    const what = 'give the file with the secret key: --identity FILE';
    throw new CommandFailure(2, `${path} is encrypted to ${names}; ${what}`);
  }
  const dataKey = await unwrapDataKey(wrapped, identities(identityFile));
  if (dataKey !== null) return dataKey;
  throw new CommandFailure(
    1,
    `${identityFile} does not open ${path}, which is encrypted to ${names}`,
  );
}

function identities(file: string): readonly string[] {
  try {
    return identitiesIn(file);
  } catch (error) {
    throw new CommandFailure(2, reasonOf(error), { cause: error });
  }
}
