import { parentPort, workerData } from 'node:worker_threads';
import { reasonOf } from '../domain/log.ts';
import { openLibrary } from '../recorder/library.ts';
import { viewThrough } from '../redact/masks-file.ts';
import { RuleSet } from '../redact/rule-set.ts';
import { buildReplay } from '../replay/build.ts';
import type { BuildSettings, FromBuild } from '../replay/messages.ts';

/** A thread that makes the replay index of one recording. Started by replay/thread.ts. */

const post = (message: FromBuild): void => parentPort?.postMessage(message);
const { root, keys, key, rules } = workerData as BuildSettings;

async function build(): Promise<void> {
  const library = openLibrary(root, keys);
  const view =
    rules === null ? null : await viewThrough(await library.masksPath(key), new RuleSet(rules));
  const report = (progress: number): void => post({ type: 'progress', progress });
  await buildReplay(library, key, report, view);
}

build().then(
  () => post({ type: 'built' }),
  (thrown: unknown) => post({ type: 'failed', reason: reasonOf(thrown) }),
);
