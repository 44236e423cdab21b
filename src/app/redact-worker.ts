import { parentPort, workerData } from 'node:worker_threads';
import { reasonOf } from '../domain/log.ts';
import { openLibrary } from '../recorder/library.ts';
import { lookThrough } from '../redact/look-through.ts';
import type { FromWorker, Job, WorkerSettings } from '../redact/messages.ts';
import { RuleSet } from '../redact/rule-set.ts';

/** The thread that looks recordings through for what is secret. Started by redact/thread.ts. */

const post = (message: FromWorker): void => parentPort?.postMessage(message);
const { root, keys, rules } = workerData as WorkerSettings;
const library = openLibrary(root, keys);
const ready = { whole: new RuleSet(rules), begun: new RuleSet(rules, 'begun') };

parentPort?.on('message', (job: Job) => {
  lookThrough(library, job, ready, (progress) => post({ type: 'progress', progress })).then(
    ({ events, numbers, times }) => post({ type: 'found', events, numbers, times }),
    (thrown: unknown) => post({ type: 'failed', reason: reasonOf(thrown) }),
  );
});
