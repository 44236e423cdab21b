import { parentPort, workerData } from 'node:worker_threads';
import { reasonOf } from './domain/log.ts';
import { openLibrary } from './recorder/library.ts';
import { buildReplay } from './replay/build.ts';
import type { BuildSettings, FromBuild } from './replay/messages.ts';

/** A thread that makes the replay index of one recording. Started by replay/thread.ts. */

const post = (message: FromBuild): void => parentPort?.postMessage(message);
const { root, key } = workerData as BuildSettings;

buildReplay(openLibrary(root), key, (progress) => post({ type: 'progress', progress })).then(
  () => post({ type: 'built' }),
  (thrown: unknown) => post({ type: 'failed', reason: reasonOf(thrown) }),
);
