import { Worker } from 'node:worker_threads';
import { PosternError } from '../domain/errors.ts';
import type { LiveRecordings, LiveView, LiveViewer } from '../domain/live.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import { Audience } from './audience.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './messages.ts';

/** Viewers on this node, of all sessions. */
const MOST_VIEWERS = 200;

/** Recordings that are followed at once: the terminal of one takes 0.2 MB, at most 12 MB. */
const MOST_STREAMS = 50;

/** Milliseconds that the thread is kept without anything to follow. */
const IDLE_MS = 60_000;

const HEAP = { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 512 };

const WORKER = new URL('./worker.ts', import.meta.url);

/** A followed recording as this side knows it. */
interface Stream {
  readonly id: number;
  readonly key: string;
  readonly redacted: boolean;
  readonly audience: Audience;
}

/** The recordings of a directory, followed in a thread that there is while somebody looks. */
export class LiveThread implements LiveRecordings {
  readonly #settings: WorkerSettings;
  readonly #log: Logger;
  readonly #streams = new Map<number, Stream>();
  #worker: Worker | null = null;
  #idle: NodeJS.Timeout | null = null;
  #last = 0;

  constructor(settings: WorkerSettings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
  }

  watch(key: string, viewer: LiveViewer, redacted: boolean): LiveView {
    const stream = this.#streamOf(key, redacted);
    stream.audience.enter(viewer);
    return {
      leave: () => {
        if (stream.audience.leave(viewer) && stream.audience.size === 0) this.#drop(stream);
      },
      finish: () => {
        if (this.#streams.has(stream.id)) this.#post({ stream: stream.id, type: 'finish' });
      },
    };
  }

  /** Ends the thread; who watches is told that it broke. */
  async close(): Promise<void> {
    if (this.#idle !== null) clearTimeout(this.#idle);
    const worker = this.#worker;
    this.#lost();
    await worker?.terminate();
  }

  #streamOf(key: string, redacted: boolean): Stream {
    const streams = [...this.#streams.values()];
    const viewers = streams.reduce((sum, { audience }) => sum + audience.size, 0);
    if (viewers >= MOST_VIEWERS) throw new PosternError('live.full', { limit: MOST_VIEWERS });
    const known = streams.find((one) => one.key === key && one.redacted === redacted);
    if (known !== undefined) return known;
    if (streams.length >= MOST_STREAMS)
      throw new PosternError('live.full', { limit: MOST_STREAMS });
    this.#last += 1;
    const id = this.#last;
    const audience = new Audience(() => this.#post({ stream: id, type: 'look' }));
    const stream = { id, key, redacted, audience };
    this.#streams.set(id, stream);
    this.#post({ stream: id, type: 'follow', key, redacted });
    return stream;
  }

  #post(message: ToWorker): void {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
    this.#worker ??= this.#start();
    this.#worker.postMessage(message);
  }

  #start(): Worker {
    const options = { name: 'live', workerData: this.#settings, resourceLimits: HEAP };
    const worker = new Worker(WORKER, options);
    worker.on('message', (message: FromWorker) => {
      if (worker === this.#worker) this.#hear(message);
    });
    const die = (reason: string): void => {
      if (worker !== this.#worker) return;
      this.#log.error('the thread that follows recordings ended', { reason });
      this.#lost();
    };
    worker.on('error', (error) => die(reasonOf(error)));
    worker.on('exit', (code) => die(`exit ${code}`));
    return worker;
  }

  #lost(): void {
    this.#worker = null;
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const { audience } of streams) audience.failed();
  }

  #hear(message: FromWorker): void {
    const stream = this.#streams.get(message.stream);
    if (stream === undefined) return;
    const { id, audience } = stream;
    switch (message.type) {
      case 'frames':
        audience.events(message.frames);
        this.#post({ stream: id, type: 'taken' });
        break;
      case 'screen':
        audience.screen(message.frames, message.all);
        this.#post({ stream: id, type: 'taken' });
        break;
      case 'ended':
        this.#forget(id);
        audience.ended(message.how, message.screen, message.last);
        break;
      case 'failed':
        this.#log.warn('a recording could not be followed', {
          key: stream.key,
          reason: message.reason,
        });
        this.#forget(id);
        audience.failed();
        break;
      default:
        message satisfies never;
    }
  }

  #drop(stream: Stream): void {
    if (!this.#streams.has(stream.id)) return;
    this.#post({ stream: stream.id, type: 'drop' });
    this.#forget(stream.id);
  }

  #forget(id: number): void {
    this.#streams.delete(id);
    if (this.#streams.size > 0 || this.#worker === null) return;
    this.#idle = setTimeout(() => this.#rest(), IDLE_MS);
    this.#idle.unref();
  }

  #rest(): void {
    const worker = this.#worker;
    this.#worker = null;
    worker?.terminate().catch(() => undefined);
  }
}
