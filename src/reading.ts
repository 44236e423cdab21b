import type { Closers } from './closers.ts';
import type { Logger } from './domain/log.ts';
import type { RecordingLibrary, RecordingReceipt } from './domain/recording.ts';
import { PLAYED_WHOLE, type Replays } from './domain/replay.ts';
import { openLibrary } from './recorder/library.ts';
import { FileReplays } from './replay/replays.ts';

/** What recordings are read and replayed with. */
export interface Reading {
  readonly recordings: RecordingLibrary;
  readonly replays: Replays;
  /** Long recordings get their replay index when they end. */
  readonly recordingEnded: (receipt: RecordingReceipt) => void;
}

const SUFFIX = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** `root` is where the recordings lie. */
export function openReading(root: string, log: Logger, closers: Closers): Reading {
  const library = openLibrary(root);
  const worker = new URL(`./replay-worker.${SUFFIX}`, import.meta.url);
  const replays = new FileReplays({ library, root, worker, log });
  closers.add('the replay indexes', () => replays.close());
  return {
    recordings: library,
    replays,
    recordingEnded: ({ key, size }) => {
      if (size >= PLAYED_WHOLE) replays.later(key);
    },
  };
}
