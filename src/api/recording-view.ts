import { PosternError } from '../domain/errors.ts';
import { formatId } from '../domain/ids.ts';
import type { RecordingView } from '../domain/recording.ts';
import type { Recording, SessionChannel } from '../domain/session.ts';
import { seesSecrets } from '../domain/visibility.ts';
import type { Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';

/** The query's `redact`: `1` asks for what others are shown, `0` for the recording as it is. */
export type RedactWish = '0' | '1' | undefined;

/** Throws `redaction.raw` for who asks for what they may not see. */
export function isRedacted(caller: Caller, wish: RedactWish): boolean {
  if (seesSecrets(caller.viewer)) return wish === '1';
  if (wish === '0') throw new PosternError('redaction.raw');
  return true;
}

/** How the caller is shown a recording; null: as it is. Throws `redaction.*`. */
export async function viewFor(
  deps: ApiDeps,
  caller: Caller,
  { key, sessionId, state }: Pick<Recording, 'key' | 'sessionId' | 'state'>,
  wish: RedactWish,
): Promise<RecordingView | null> {
  if (!isRedacted(caller, wish)) return null;
  return await deps.redaction.view(key, formatId('sess', sessionId), state === 'recording');
}

/** Channels as the caller may see them: commands can have secrets in them, too. */
export function seenChannels(
  deps: Pick<ApiDeps, 'redaction'>,
  caller: Caller,
  channels: readonly SessionChannel[],
  wish?: RedactWish,
): readonly SessionChannel[] {
  if (!isRedacted(caller, wish)) return channels;
  return channels.map((channel) =>
    channel.command === null
      ? channel
      : { ...channel, command: deps.redaction.text(channel.command) },
  );
}
