import type { IncomingMessage } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { Container, ContainerDetail, ContainerNews } from '../domain/container-engine.ts';
import { PosternError } from '../domain/errors.ts';
import { reasonOf, rootReasonOf } from '../domain/log.ts';
import { containerIn } from './containers.ts';

/** Between two tries to reach an engine that is away, in milliseconds: at first, at most. */
const AGAIN_MS = { first: 250, most: 10_000 } as const;

/** Between two questions whether an engine with nothing to tell still answers, in milliseconds. */
const CHECK_MS = 15_000;

/** The longest event that is read, in characters. */
const MOST_EVENT = 1024 * 1024;

/** What a follower asks of its engine. */
export interface Followed {
  events(): Promise<IncomingMessage>;
  list(): Promise<readonly Container[]>;
  find(id: string): Promise<ContainerDetail | null>;
  /** Rejects when it does not answer. */
  ping(): Promise<void>;
}

/**
 * Tells of an engine's containers. An event only says whose turn it is; what is told is what the
 * engine then answers, so nothing depends on the order of events, and what waits is at most one
 * entry a container.
 */
export class Follower {
  readonly #engine: Followed;
  readonly #tell: (news: ContainerNews) => void;
  readonly #checkMs: number;
  readonly #closed = new AbortController();

  constructor(engine: Followed, onNews: (news: ContainerNews) => void, checkMs = CHECK_MS) {
    this.#engine = engine;
    this.#checkMs = checkMs;
    this.#tell = (news) => {
      if (!this.#closed.signal.aborted) onNews(news);
    };
    void this.#run();
  }

  close(): void {
    this.#closed.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed;
    let pause: number = AGAIN_MS.first;
    while (!signal.aborted) {
      try {
        await this.#follow(() => {
          pause = AGAIN_MS.first;
        });
      } catch (error) {
        this.#tell({ type: 'away', reason: shortReasonOf(error), cause: rootReasonOf(error) });
      }
      await wait(pause, undefined, { signal, ref: false }).catch(() => undefined);
      pause = Math.min(pause * 2, AGAIN_MS.most);
    }
  }

  /** Rejects when the events end, whyever. */
  async #follow(onReached: () => void): Promise<void> {
    const { signal } = this.#closed;
    const events = await this.#engine.events();
    const turns = new Turns(events);
    const stop = (): void => void events.destroy();
    signal.addEventListener('abort', stop);
    const answers = this.#watch(stop);
    try {
      // Whatever happens from now on is in the events already.
      this.#tell({ type: 'all', containers: await this.#engine.list() });
      onReached();
      for await (const id of turns) await this.#turn(id);
    } finally {
      signal.removeEventListener('abort', stop);
      answers.stop();
      stop();
    }
    throw answers.lost ?? new Error('its events ended');
  }

  /** An engine that hangs keeps its connections, and its events are as silent as those of one with nothing to tell. */
  #watch(onLost: () => void): { readonly lost: unknown; stop(): void } {
    let lost: unknown = null;
    let isAsked = false;
    const ask = async (): Promise<void> => {
      try {
        await this.#engine.ping();
      } catch (error) {
        lost = error;
        onLost();
      }
      isAsked = false;
    };
    const timer = setInterval(() => {
      if (isAsked) return;
      isAsked = true;
      void ask();
    }, this.#checkMs);
    timer.unref();
    return {
      get lost() {
        return lost;
      },
      stop: () => clearInterval(timer),
    };
  }

  async #turn(id: string): Promise<void> {
    const container = await this.#engine.find(id);
    this.#tell(container === null ? { type: 'gone', id } : { type: 'changed', container });
  }
}

/** Of what the catalogue says, the part that is particular. */
function shortReasonOf(error: unknown): string {
  const reason = error instanceof PosternError ? error.params['reason'] : undefined;
  return reason === undefined ? reasonOf(error) : String(reason);
}

/** Whose turn it is, each container at most once at a time, in the order of their first events. */
class Turns implements AsyncIterable<string> {
  readonly #due = new Set<string>();
  #rest = '';
  #over = false;
  #wake: () => void = () => undefined;

  constructor(events: IncomingMessage) {
    events.setEncoding('utf8');
    events.on('data', (text: string) => this.#take(text, events));
    events.on('error', () => this.#end());
    events.once('close', () => this.#end());
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    while (true) {
      for (const id of this.#due) {
        this.#due.delete(id);
        yield id;
      }
      if (this.#over) return;
      if (this.#due.size > 0) continue;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #take(text: string, events: IncomingMessage): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
    if (this.#rest.length > MOST_EVENT) events.destroy();
  }

  #line(line: string): void {
    if (line.trim() === '') return;
    try {
      const id = containerIn(JSON.parse(line));
      if (id !== '') this.#due.add(id);
    } catch {
      // No event: the containers are looked at all the same when the next one comes.
    }
    this.#wake();
  }

  #end(): void {
    this.#over = true;
    this.#wake();
  }
}
