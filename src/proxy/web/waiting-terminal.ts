import type { AuthorizedRoute } from '../../domain/access.ts';
import type { ControlPlane } from '../../domain/control-plane.ts';
import { PosternError } from '../../domain/errors.ts';
import type { ProgramAccess } from '../../domain/program-access.ts';
import { Approvals, type Asker, type Need } from '../approvals.ts';

/** Milliseconds in which whoever waits has to ask again. */
const PATIENCE_MS = 60_000;

/**
 * A terminal that needs somebody's approval first. Its user asks again and again; when they no longer do,
 * the request for approval is called off.
 */
export class WaitingTerminal {
  readonly asker: Asker;
  readonly #over = new AbortController();
  readonly #decided: Promise<AuthorizedRoute>;
  readonly #words: Promise<string>;
  readonly #left: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** `left`: nobody has asked for a while. */
  constructor(
    control: ControlPlane,
    asker: Asker,
    route: AuthorizedRoute,
    need: Need<ProgramAccess>,
    left: () => void,
  ) {
    this.asker = asker;
    this.#left = left;
    const told = Promise.withResolvers<string>();
    this.#words = told.promise;
    const waiter = { signal: this.#over.signal, tell: (text: string) => told.resolve(text) };
    const allowed = new Approvals(control).allow(asker, route, need, waiter);
    this.#decided = allowed.then((one) => one.route);
    // Whoever asks hears of it, if anybody does.
    this.#decided.catch(() => undefined);
  }

  /** The route, once it is approved. Rejects with `terminal.approval` until then, or with the refusal. */
  async answer(): Promise<AuthorizedRoute> {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.leave(), PATIENCE_MS);
    this.#timer.unref();
    const decided = this.#decided;
    const first = await Promise.race([decided, this.#words]);
    if (typeof first !== 'string') return first;
    throw new PosternError('terminal.approval', { words: first });
  }

  /** Nobody waits any more. */
  leave(): void {
    clearTimeout(this.#timer);
    this.#over.abort();
    this.#left();
  }
}
