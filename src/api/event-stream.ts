import type { Session } from '../domain/session.ts';
import type {
  EventPlace,
  SessionEvent,
  SessionEvents,
  SessionListener,
} from '../domain/session-events.ts';
import { maySeeSession, type Viewer } from '../domain/visibility.ts';
import { sessionView } from './views/session.ts';

/** Bytes that wait for a listener; one that is further behind has to come back. */
const MOST_WAITING = 512 * 1024;

/** Sessions that a listener is told of at the beginning; of more, the newest. */
const MOST_LIVE = 500;

/** Milliseconds between looks at who listens. */
const ACCESS_MS = 1000;

/** Looks for one comment, which keeps the connection open where nothing happens. */
const LOOKS_FOR_ONE = 15;

/** Looks in a row that may fail, because the database is away. */
const MOST_FAILURES = 10;

export interface EventStreamHost {
  readonly events: SessionEvents;
  readonly viewer: Viewer;
  /** Who listens, as they are now; null: they may not any more. */
  readonly again: () => Promise<Viewer | null>;
  /** Called once they do not any more; more than once does no harm. */
  readonly left: () => void;
}

function placeText({ feed, number }: EventPlace): string {
  return `${feed}.${number}`;
}

/** Null: it is no id of an event, so it is of none that is known. */
export function readPlace(text: string | undefined): EventPlace | null {
  const match = /^([0-9a-f-]{36})\.([0-9]{1,15})$/.exec(text ?? '');
  return match === null ? null : { feed: match[1] ?? '', number: Number(match[2]) };
}

/** One listener of the events of sessions, as server-sent events (HTML §9.2). */
export class EventStream implements SessionListener {
  readonly body: ReadableStream<Uint8Array>;
  readonly #host: EventStreamHost;
  readonly #encoder = new TextEncoder();
  #viewer: Viewer;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  readonly #leave: () => void = () => undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  #looks = 0;
  #looking = false;
  #failures = 0;

  /** Throws `events.full`. */
  constructor(host: EventStreamHost, after: EventPlace | null) {
    this.#host = host;
    this.#viewer = host.viewer;
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        cancel: () => this.#end(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: MOST_WAITING }),
    );
    // At once, so that whoever listens knows that they do.
    this.#write(': postern\n\n');
    this.#leave = this.#subscribe(after);
    // What it was told at once may have been too much.
    if (this.#controller === null) this.#end();
    else this.#timer = setInterval(() => this.#look(), ACCESS_MS);
  }

  #subscribe(after: EventPlace | null): () => void {
    try {
      return this.#host.events.subscribe(this, after);
    } catch (error) {
      this.#host.left();
      throw error;
    }
  }

  began(live: readonly Session[], at: EventPlace): void {
    const seen = live.filter((session) => maySeeSession(this.#viewer, session));
    const sessions = seen.slice(0, MOST_LIVE).map(sessionView);
    this.#send('sessions', at, { sessions, complete: sessions.length === seen.length });
  }

  happened({ type, session }: SessionEvent, at: EventPlace): void {
    if (!maySeeSession(this.#viewer, session)) return;
    this.#send(`session.${type}`, at, {
      ...sessionView(session),
      bytes_in: session.bytesIn,
      bytes_out: session.bytesOut,
    });
  }

  #send(event: string, at: EventPlace, data: object): void {
    this.#write(`event: ${event}\nid: ${placeText(at)}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  #write(text: string): void {
    const controller = this.#controller;
    if (controller === null) return;
    controller.enqueue(this.#encoder.encode(text));
    // It comes back with the id of the last event that it had.
    if ((controller.desiredSize ?? 0) <= 0) this.#close();
  }

  #look(): void {
    this.#looks += 1;
    if (this.#looks % LOOKS_FOR_ONE === 0) this.#write(': still here\n\n');
    if (this.#looking) return;
    this.#looking = true;
    this.#host
      .again()
      .then(
        (viewer) => {
          this.#failures = 0;
          if (viewer === null) this.#close();
          else this.#viewer = viewer;
        },
        () => {
          this.#failures += 1;
          if (this.#failures > MOST_FAILURES) this.#close();
        },
      )
      .finally(() => {
        this.#looking = false;
      });
  }

  #close(): void {
    const controller = this.#controller;
    this.#end();
    controller?.close();
  }

  #end(): void {
    this.#controller = null;
    clearInterval(this.#timer);
    this.#leave();
    this.#host.left();
  }
}
