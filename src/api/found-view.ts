import { formatId } from '../domain/ids.ts';
import type { RecordingView } from '../domain/recording.ts';
import type { Found } from '../domain/search.ts';
import { hiddenFound } from '../domain/search-hit.ts';
import type { Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { isRedacted } from './recording-view.ts';
import { shownText } from './shown-text.ts';

/** Seconds by which what was seen may be noted at another time than it was written. */
const SLACK = 2;

/** Milliseconds that a search waits for recordings to be looked through. */
const WAIT_MS = 10_000;

/** What a search has found, as its caller may see it. */
export class FoundView {
  readonly #deps: Pick<ApiDeps, 'redaction'>;
  readonly #caller: Caller;
  readonly #words: readonly string[];
  readonly #views = new Map<string, Promise<RecordingView | null>>();
  #until: number | null = null;

  constructor(deps: Pick<ApiDeps, 'redaction'>, caller: Caller, words: readonly string[]) {
    this.#deps = deps;
    this.#caller = caller;
    this.#words = words;
  }

  /**
   * Null: it is not for the caller. Pieces of text do not tell all that the recording does, such as a line that goes
   * over several: while something was hidden in it, and as long as that is not known, none of its output is found.
   */
  async of(found: Found): Promise<Found | null> {
    const shown = this.#hidden(found);
    if (shown === null || found.kind === 'command' || !isRedacted(this.#caller, undefined)) {
      return shown;
    }
    const times = found.isGrowing ? null : ((await this.#view(found))?.secretTimes ?? null);
    if (times === null || times.some((at) => isNear(found, at))) return null;
    return times.length === 0 ? shown : this.#hidden({ ...found, before: '', after: '' });
  }

  #hidden(found: Found): Found | null {
    return hiddenFound(found, this.#words, (text) => shownText(this.#deps, this.#caller, text));
  }

  #view({ key, sessionId }: Found): Promise<RecordingView | null> {
    const known = this.#views.get(key);
    if (known !== undefined) return known;
    const view = this.#look(key, formatId('sess', sessionId));
    this.#views.set(key, view);
    return view;
  }

  async #look(key: string, session: string): Promise<RecordingView | null> {
    const now = await this.#deps.redaction.prepare(key);
    if (now.state !== 'preparing') return now.state === 'ready' ? now.view : null;
    this.#until ??= performance.now() + WAIT_MS;
    const late = Promise.withResolvers<null>();
    const timer = setTimeout(() => late.resolve(null), this.#until - performance.now());
    const view = this.#deps.redaction.view(key, session, false).catch(() => null);
    return await Promise.race([view, late.promise]).finally(() => clearTimeout(timer));
  }
}

function isNear({ second, until, isScreen }: Found, at: number): boolean {
  const isBefore = !isScreen && at < second - SLACK;
  return !isBefore && at <= (until ?? second) + SLACK;
}
