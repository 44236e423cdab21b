import { checkPattern } from '../alerts/watch.ts';
import { NodeAnalyses } from '../analysis/analyses.ts';
import { Gathering } from '../analysis/gathering.ts';
import type { Config } from '../config/load.ts';
import type { ArchiveState } from '../domain/archive.ts';
import type { Gateway } from '../domain/control-plane.ts';
import type { Logger } from '../domain/log.ts';
import type { RecordingLibrary, RecordingReceipt } from '../domain/recording.ts';
import type { Redaction, RedactionRules } from '../domain/redaction.ts';
import { PLAYED_WHOLE, type Replays } from '../domain/replay.ts';
import type { Store } from '../domain/store.ts';
import { openLibrary } from '../recorder/library.ts';
import { FileReplays } from '../replay/replays.ts';
import { openAlerting } from './alerting.ts';
import { openArchiving } from './archiving.ts';
import type { Closers } from './closers.ts';
import type { RecordingCrypto } from './recording-keys.ts';
import { loadRedactionRules, openRedaction } from './redaction.ts';

/** What recordings are read and replayed with. */
export interface Reading {
  readonly recordings: RecordingLibrary;
  /** Of the S3-compatible store that recordings go to. */
  readonly archive: () => ArchiveState;
  /** Recordings that have ended and are to go there. */
  readonly archiveQueue: () => number;
  readonly replays: Replays;
  /** The same of how recordings are shown to who may not see what is secret in them. */
  readonly redactedReplays: Replays;
  readonly redaction: Redaction;
  readonly rules: RedactionRules;
  /** Throws `redaction.pattern`. */
  readonly checkAlertPattern: (pattern: string) => void;
  /** What ends sessions where a grant says that an alert does. */
  readonly alertsEndBy: (gateway: Pick<Gateway, 'terminate'>) => void;
  /** Long recordings get their replay index when they end. */
  readonly recordingEnded: (receipt: RecordingReceipt) => void;
}

/**
 * Reads where the recordings lie, and what an S3-compatible store has of them; begins to send to it, and to
 * look for commands in them. Throws
 * `redaction.rules` and `redaction.pattern`.
 */
export async function openReading(
  config: Config,
  parts: {
    readonly store: Store;
    readonly crypto: Pick<RecordingCrypto, 'encryption' | 'keys'>;
    readonly node: string;
    readonly publicUrl: () => string;
    readonly log: Logger;
  },
  closers: Closers,
): Promise<Reading> {
  const { recordings: root } = config;
  const { log } = parts;
  const { encryption, keys } = parts.crypto;
  const rules = loadRedactionRules(config.redaction);
  const openAt = (at: string): RecordingLibrary => openLibrary(at, keys);
  const archive = openArchiving(config, openAt, parts, closers);
  const library = archive?.library ?? openAt(root);
  const alerts = await openAlerting(config, parts, closers);
  const kept = alerts.look.bind(alerts);
  const analyses = new NodeAnalyses({ ...parts, library, root, kept });
  analyses.begin();
  closers.add('reading recordings for their commands', () => analyses.close());
  const gathering = new Gathering(parts);
  gathering.begin();
  closers.add('making search ready for what is older', () => gathering.close());
  const worker = new URL('./replay-worker.ts', import.meta.url);
  const redaction = openRedaction(library, { root, keys, rules }, log);
  closers.add('looking for secrets in recordings', () => redaction.close());
  const common = { library, root, keys, worker, log };
  const replays = new FileReplays({ ...common, shown: null });
  const redactedReplays = new FileReplays({ ...common, shown: { rules, redaction } });
  closers.add('the replay indexes', () => replays.close());
  closers.add('the replay indexes without secrets', () => redactedReplays.close());
  return {
    recordings: library,
    replays,
    archive: () => archive?.state ?? 'off',
    archiveQueue: () => archive?.waiting ?? 0,
    redactedReplays,
    redaction,
    rules,
    checkAlertPattern: checkPattern,
    alertsEndBy: (gateway) => alerts.endsBy(gateway),
    recordingEnded: ({ key, size }) => {
      // Nobody here could open what is made of a recording that nobody here can open.
      const isReadable = encryption === null || keys.identities.length > 0;
      if (size < PLAYED_WHOLE || !isReadable) return;
      replays.later(key);
      redaction.later(key);
    },
  };
}
