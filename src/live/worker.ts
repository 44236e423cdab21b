import { parentPort, workerData } from 'node:worker_threads';
import { reasonOf } from '../domain/log.ts';
import { NO_KEYS } from '../domain/recording-keys.ts';
import { KeyRing } from '../envelope/key-ring.ts';
import { GrowingCast } from '../recorder/growing-cast.ts';
import type { Shelf } from '../recorder/open-cast.ts';
import { RuleSet } from '../redact/rule-set.ts';
import { FollowedRecording, type Post } from './followed.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './messages.ts';

/** The thread that follows recordings: keys come in, ALiS frames go out. Started by live.ts. */
class LiveWorker {
  readonly #shelf: Shelf;
  readonly #rules: RuleSet;
  readonly #post: (message: FromWorker) => void;
  /** Null: its file is being opened. */
  readonly #streams = new Map<number, FollowedRecording | null>();
  /** What came for those that are being opened. */
  readonly #early = new Map<number, ToWorker[]>();

  constructor(
    { root, rules, keys = NO_KEYS }: WorkerSettings,
    post: (message: FromWorker) => void,
  ) {
    this.#shelf = { root, ring: new KeyRing(keys) };
    this.#rules = new RuleSet(rules, 'begun');
    this.#post = post;
  }

  hear(message: ToWorker): void {
    const { stream } = message;
    if (message.type === 'follow') {
      this.#streams.set(stream, null);
      this.#early.set(stream, []);
      this.#follow(stream, message).catch((error: unknown) => {
        this.#post({ stream, type: 'failed', reason: reasonOf(error) });
      });
      return;
    }
    const followed = this.#streams.get(stream);
    if (followed === null) this.#early.get(stream)?.push(message);
    else if (followed !== undefined) tell(followed, message);
  }

  async #follow(
    stream: number,
    { key, redacted }: Extract<ToWorker, { readonly type: 'follow' }>,
  ): Promise<void> {
    try {
      const cast = await GrowingCast.open(this.#shelf, key);
      const post: Post = (message) => this.#post({ stream, ...message });
      const followed = new FollowedRecording(cast, post, redacted ? this.#rules : null);
      this.#streams.set(stream, followed);
      for (const message of this.#early.get(stream) ?? []) tell(followed, message);
      this.#early.delete(stream);
      await followed.run();
    } finally {
      this.#streams.delete(stream);
      this.#early.delete(stream);
    }
  }
}

function tell(followed: FollowedRecording, message: ToWorker): void {
  switch (message.type) {
    case 'look':
      followed.look();
      break;
    case 'taken':
      followed.taken();
      break;
    case 'finish':
      followed.finish();
      break;
    case 'drop':
      followed.drop();
      break;
    case 'follow':
      break;
    default:
      message satisfies never;
  }
}

const port = parentPort;
if (port === null) throw new Error('this is the thread that follows recordings, not a program');
const worker = new LiveWorker(workerData as WorkerSettings, (message) => port.postMessage(message));
port.on('message', (message: ToWorker) => worker.hear(message));
