import { type CountedSession, type CountStore, countedSince } from '../domain/counters.ts';

/** Sessions read at once, so that a rebuild holds no more of them. */
const PAGE = 2000;

/**
 * All that counters know, page by page: what lives, and what started in the days that they keep. Some come twice,
 * and some as they were before a change that was told of meanwhile.
 */
export async function* counted(
  truth: CountStore,
  now: Date,
): AsyncGenerator<readonly CountedSession[]> {
  const live = await truth.live();
  for (let at = 0; at < live.length; at += PAGE) yield live.slice(at, at + PAGE);
  const since = countedSince(now);
  for (let last: CountedSession | null = null; ; ) {
    const page = await truth.startedSince(since, last, PAGE);
    yield page;
    last = page.at(-1) ?? null;
    if (page.length < PAGE) return;
  }
}
