import { resolve } from 'node:path';
import type { Logger } from '../domain/log.ts';
import { readEnvelope } from '../envelope/envelope.ts';
import { FileBytes } from '../envelope/file-bytes.ts';
import { keepDataKey, keptDataKey, nodeKeyOf } from '../envelope/node-key.ts';
import { openCast } from '../recorder/open-cast.ts';
import { keptDataKeys } from './recording-files.ts';

/**
 * Keeps the data keys of recordings that wait for their repair under another secret key. Done again it
 * finishes what was cut short. One that none of the keys opens stays as it is.
 */
export async function rekeyRecordings(
  root: string,
  { to, from }: { readonly to: Buffer; readonly from: readonly Buffer[] },
  log: Logger,
): Promise<void> {
  const [nodeKey, others] = [nodeKeyOf(to), from.map(nodeKeyOf)];
  for (const { key } of await keptDataKeys(root, log).list()) {
    const cast = await openCast(resolve(root), key);
    if (cast === null) continue;
    try {
      const envelope = await readEnvelope(new FileBytes(cast.handle));
      if (envelope === null) continue;
      const dataKey = await keptDataKey(cast.path, envelope, [nodeKey, ...others]);
      if (dataKey === null || dataKey === 'other_key') {
        log.warn('the data key of a recording opens with none of the secret keys', { key });
      } else {
        await keepDataKey(cast.path, { envelope, dataKey, nodeKey });
      }
    } finally {
      await cast.handle.close();
    }
  }
}
