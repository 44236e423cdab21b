import { eventually } from './eventually.ts';

export interface ServerEvent {
  readonly event: string;
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into data of every shape
  readonly data: any;
}

/** A client of server-sent events, as far as `/v1/events` uses them. */
export class EventSourceClient implements Disposable {
  readonly events: ServerEvent[] = [];
  readonly status: Promise<number>;
  /** Settles when the server has ended it. */
  readonly ended: Promise<void>;
  readonly #abort = new AbortController();

  constructor(url: string, headers: Readonly<Record<string, string>>) {
    const response = fetch(url, { headers, signal: this.#abort.signal });
    this.status = response.then(({ status }) => status);
    this.ended = response.then((answer) => this.#read(answer)).catch(() => undefined);
  }

  async #read(response: Response): Promise<void> {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) this.#take(block);
    }
  }

  #take(block: string): void {
    const fields = new Map(
      block.split('\n').map((line) => {
        const cut = line.indexOf(': ');
        return [line.slice(0, cut), line.slice(cut + 2)];
      }),
    );
    const [event, id, data] = ['event', 'id', 'data'].map((name) => fields.get(name));
    if (event === undefined || id === undefined || data === undefined) return;
    this.events.push({ event, id, data: JSON.parse(data) as unknown });
  }

  async has(what: string, test: (event: ServerEvent) => boolean): Promise<ServerEvent> {
    return await eventually(what, () => this.events.find(test));
  }

  [Symbol.dispose](): void {
    this.#abort.abort();
  }
}
