import { parentPort, workerData } from 'node:worker_threads';
import { reasonOf } from '../domain/log.ts';
import type { RecordingLibrary } from '../domain/recording.ts';
import { openLibrary } from '../recorder/library.ts';
import { ALIVE_MS, type FromWorker, type ToWorker, type WorkerSettings } from './messages.ts';
import { type Keep, readEnded, readGrowing, type Wishes } from './reading.ts';

/** A recording that is being read. */
interface Job extends Wishes {
  /** What was handed over last has been kept. */
  taken: () => void;
}

/** A thread that reads recordings: keys come in, commands and text go out. Started by thread.ts. */
class AnalysisWorker {
  readonly #root: string;
  readonly #library: RecordingLibrary;
  readonly #post: (message: FromWorker) => void;
  readonly #jobs = new Map<number, Job>();

  constructor({ root }: WorkerSettings, post: (message: FromWorker) => void) {
    this.#root = root;
    this.#library = openLibrary(root);
    this.#post = post;
    setInterval(() => {
      if (this.#jobs.size > 0) post({ type: 'alive' });
    }, ALIVE_MS).unref();
  }

  hear(message: ToWorker): void {
    const job = this.#jobs.get(message.job);
    switch (message.type) {
      case 'read':
        this.#read(message);
        break;
      case 'taken':
        job?.taken();
        break;
      case 'finish':
        if (job !== undefined) job.finishing = true;
        break;
      case 'drop':
        if (job === undefined) break;
        job.dropped = true;
        job.taken();
        break;
      default:
        message satisfies never;
    }
  }

  #read({ job: id, isLive, ...what }: ToWorker & { readonly type: 'read' }): void {
    const job: Job = { finishing: false, dropped: false, taken: () => undefined };
    this.#jobs.set(id, job);
    const keep: Keep = (changes) =>
      new Promise((resolve) => {
        job.taken = resolve;
        this.#post({ job: id, type: 'found', changes });
      });
    const reading = isLive
      ? readGrowing(this.#root, what, keep, job)
      : readEnded(this.#library, what, keep, job);
    reading
      .then(
        () => this.#post({ job: id, type: 'ended' }),
        (thrown: unknown) => this.#post({ job: id, type: 'failed', reason: reasonOf(thrown) }),
      )
      .finally(() => this.#jobs.delete(id));
  }
}

const port = parentPort;
if (port === null) throw new Error('this is the thread that reads recordings, not a program');
const worker = new AnalysisWorker(workerData as WorkerSettings, (message) =>
  port.postMessage(message),
);
port.on('message', (message: ToWorker) => worker.hear(message));
