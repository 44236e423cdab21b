import { errorOfWay } from './bucket-error.ts';

/** Ends what nothing comes of any more. */
export class Idle {
  readonly #closing = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(ms: number) {
    const late = new Error(`nothing came for ${ms} ms`);
    this.#timer = setTimeout(() => this.#closing.abort(late), ms);
  }

  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** Something came, or is being taken. */
  restart(): void {
    this.#timer.refresh();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#closing.abort();
  }
}

/** The pieces of an answer's body; one that is waited for too long ends them with an error. */
export async function* watched(
  what: string,
  response: Response,
  idle: Idle,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of response.body ?? []) {
      idle.restart();
      yield piece;
      idle.restart();
    }
  } catch (error) {
    throw errorOfWay(what, error);
  } finally {
    idle.end();
  }
}
