import { parentPort } from 'node:worker_threads';
import { FRAME_HEADER, framesOf } from '../handoff/frame.ts';
import { Budget } from './budget.ts';
import { type FromObserver, type ToObserver, WAY } from './messages.ts';
import { Watching } from './watching.ts';

/** The observer's thread: frames come in, what was done with files goes out. Started by thread.ts. */
class ObserverWorker {
  readonly #post: (message: FromObserver, transfer?: ArrayBuffer[]) => void;
  readonly #budget = new Budget();
  readonly #watchings = new Map<number, Watching>();

  constructor(post: (message: FromObserver, transfer?: ArrayBuffer[]) => void) {
    this.#post = post;
  }

  hear(message: ToObserver): void {
    switch (message.type) {
      case 'open': {
        const { channel, program, startedAt } = message;
        const send = (events: Extract<FromObserver, { type: 'events' }>['events']): void =>
          this.#post({ type: 'events', channel, events });
        this.#watchings.set(channel, new Watching(program, startedAt, this.#budget.share(), send));
        break;
      }
      case 'frames':
        this.#frames(message.buffer, message.used);
        break;
      case 'end':
        this.#watchings.get(message.channel)?.end(message.at, message.exit);
        this.#watchings.delete(message.channel);
        this.#post({ type: 'ended', channel: message.channel });
        break;
      case 'drop':
        this.#watchings.get(message.channel)?.drop();
        this.#watchings.delete(message.channel);
        break;
      default:
        message satisfies never;
    }
  }

  #frames(buffer: ArrayBuffer, used: number): void {
    const counts = new Map<number, number>();
    for (const { channel, kind, micros, payload } of framesOf(buffer, used)) {
      counts.set(channel, (counts.get(channel) ?? 0) + FRAME_HEADER + payload.length);
      const watching = this.#watchings.get(channel);
      const chunk = Buffer.from(buffer, payload.byteOffset, payload.length);
      if (kind === WAY.fromUser) watching?.fromUser(micros / 1000, chunk);
      else watching?.toUser(micros / 1000, chunk);
    }
    this.#post({ type: 'read', buffer, counts: [...counts] }, [buffer]);
  }
}

const port = parentPort;
if (port === null) throw new Error('this is the observer thread, not a program');
const worker = new ObserverWorker((message, transfer) => port.postMessage(message, transfer));
port.on('message', (message: ToObserver) => worker.hear(message));
