import { setTimeout as wait } from 'node:timers/promises';
import { type EndPrograms, isOfItsNode, type LeftContainer } from '../domain/entered-container.ts';
import { PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf, rootReasonOf } from '../domain/log.ts';
import type { Store } from '../domain/store.ts';

/** Milliseconds between two looks. */
const PERIOD_MS = 2000;

/** How long a gateway may take to end what a session has left, in milliseconds, before it is looked for. */
const GRACE_MS = 60_000;

/** How long it is left to the session's own node alone, in milliseconds, unless that has died: it may never be back. */
const OWN_MS = 10 * 60_000;

/** How long it is looked for, in milliseconds: engines may be gone for good. */
const GIVEN_UP_MS = 7 * 24 * 60 * 60_000;

/** Before an engine, or about a container, is asked again that failed, in milliseconds: at first, at most. */
const AGAIN_MS = { first: 2000, most: 60_000 } as const;

/** How long what is under way has when the server stops, in milliseconds. */
const LAST_MS = 5000;

/** What says something about all containers of an engine or a cluster. */
const AWAY: readonly string[] = ['engine.unreachable', 'cluster.unreachable', 'cluster.setting'];

/** Sessions that are looked at at once. */
const MOST = 1000;

export interface LeftProgramsDeps {
  readonly store: Pick<Store, 'enteredContainers'>;
  readonly end: EndPrograms;
  /** This node's name. */
  readonly node: string;
  readonly log: Logger;
  readonly periodMs?: number;
}

interface Again {
  readonly at: number;
  readonly pause: number;
}

/**
 * Ends programs that sessions have left in containers: those of a process that died, and those whose engine
 * did not answer when their user left. Every node looks: a container is known by its id, on whichever
 * engine or cluster.
 */
export class LeftPrograms {
  readonly #deps: LeftProgramsDeps;
  /** By engine or cluster, while it does not answer. */
  readonly #engines = new Map<string, Again>();
  /** By session, while it is still looked for; none but those of the last look. */
  #sessions = new Map<number, Again>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | null = null;
  #closed = false;

  constructor(deps: LeftProgramsDeps) {
    this.#deps = deps;
  }

  /** From now on, until `close`. */
  begin(): void {
    this.#timer = setInterval(() => this.#begin(), this.#deps.periodMs ?? PERIOD_MS);
    this.#timer.unref();
    this.#begin();
  }

  /** Settles when the look that is under way is over, or a while later; what is left is looked for after the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    const late = new AbortController();
    const enough = wait(LAST_MS, undefined, { signal: late.signal }).catch(() => undefined);
    await Promise.race([this.#looking, enough]);
    late.abort();
  }

  #begin(): void {
    this.#looking ??= this.#look()
      .catch((error: unknown) => {
        const reason = reasonOf(error);
        this.#deps.log.debug('what sessions left in containers could not be looked for', {
          reason,
        });
      })
      .finally(() => {
        this.#looking = null;
      });
  }

  async #look(): Promise<void> {
    const { store, node } = this.#deps;
    const now = Date.now();
    const [endedBefore, anybodysBefore] = [new Date(now - GRACE_MS), new Date(now - OWN_MS)];
    const due = { node, endedBefore, anybodysBefore };
    const ours = await store.enteredContainers.left(due, MOST);
    this.#sessions = new Map(
      ours.flatMap(({ sessionId: id }) => {
        const again = this.#sessions.get(id);
        return again === undefined ? [] : [[id, again] as const];
      }),
    );
    const engines = Map.groupBy(ours, ({ engine }) => engine);
    // One after the other on each engine: what does not answer holds nobody else up.
    await Promise.all([...engines].map(([engine, all]) => this.#onEngine(engine, all)));
  }

  async #onEngine(engine: string, left: readonly LeftContainer[]): Promise<void> {
    if (isTooEarly(this.#engines.get(engine))) return;
    const pause = ({ sessionId }: LeftContainer): number =>
      this.#sessions.get(sessionId)?.pause ?? 0;
    // What failed before comes last: a container that hangs is not to stand before all others.
    for (const one of left.toSorted((a, b) => pause(a) - pause(b))) {
      if (this.#closed) return;
      const again = this.#sessions.get(one.sessionId);
      if (isTooEarly(again)) continue;
      try {
        if (await this.#one(one)) this.#sessions.delete(one.sessionId);
        else this.#sessions.set(one.sessionId, later(again));
      } catch (error) {
        this.#sessions.set(one.sessionId, later(again));
        if (this.#failed(one, error) === 'engine') return;
      }
    }
    this.#engines.delete(engine);
  }

  /** Whose failure it is: whether the engine is asked about others. */
  #failed({ engine, sessionId, containerId }: LeftContainer, error: unknown): 'engine' | 'one' {
    const reason = rootReasonOf(error);
    if (error instanceof PosternError && AWAY.includes(error.code)) {
      const again = this.#engines.get(engine);
      this.#engines.set(engine, later(again));
      if (again === undefined) {
        this.#deps.log.warn('programs of sessions may be left in containers', { engine, reason });
      }
      return 'engine';
    }
    const about = { session: sessionId, container: containerId, reason };
    this.#deps.log.debug('programs in a container were not ended yet', about);
    return 'one';
  }

  /** Whether it needs to be looked for no more. Rejects when it could not be told. */
  async #one(left: LeftContainer): Promise<boolean> {
    const { store, log } = this.#deps;
    const about = { session: left.sessionId, container: left.containerId };
    if (Date.now() - left.endedAt.getTime() > GIVEN_UP_MS) {
      log.warn('programs in a container are not looked for any more', about);
      await store.enteredContainers.remove(left.sessionId);
      return true;
    }
    const how = await this.#end(left);
    if (how === 'ended') log.info('programs that had outlived their session were ended', about);
    const isElsewhere = how === 'gone' && isOfItsNode(left) && left.node !== this.#deps.node;
    if (!isElsewhere) await store.enteredContainers.remove(left.sessionId);
    return !isElsewhere;
  }

  async #end(left: LeftContainer): ReturnType<EndPrograms> {
    try {
      return await this.#deps.end(left);
    } catch (error) {
      // Without a shell in its image none of it was ours to begin, or to end.
      if (error instanceof PosternError && error.code === 'machine.refused') return 'none';
      throw error;
    }
  }
}

function isTooEarly(again: Again | undefined): boolean {
  return again !== undefined && performance.now() < again.at;
}

function later(again: Again | undefined): Again {
  const pause = Math.min((again?.pause ?? AGAIN_MS.first / 2) * 2, AGAIN_MS.most);
  return { at: performance.now() + pause, pause };
}
