import type { Context, Hono } from 'hono';
import { LONGEST_SEARCH, type SearchFilter, searchedWords } from '../domain/search.ts';
import { actorOf } from './actor.ts';
import type { Assets } from './assets.ts';
import type { ConsoleDeps, ConsoleEnv } from './deps.ts';
import { type SearchForm, searchPage, TOO_SHORT } from './search-page.ts';

function formOf(c: Context<ConsoleEnv>): SearchForm {
  const field = (name: string): string =>
    (c.req.query(name) ?? '')
      .replaceAll(/\p{Cc}/gu, ' ')
      .trim()
      .slice(0, LONGEST_SEARCH);
  return {
    q: field('q'),
    user: field('user'),
    machine: field('machine'),
    kind: field('kind'),
    from: field('from'),
    to: field('to'),
  };
}

/** A day's midnight in UTC; undefined: none was given; null: it is none. */
function day(text: string): Date | null | undefined {
  if (text === '') return undefined;
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(text) : null;
  return at === null || Number.isNaN(at.getTime()) ? null : at;
}

/** What to search; a text: what is wrong with the form; null: in what is not there. */
async function filterOf(
  { store }: ConsoleDeps,
  form: SearchForm,
): Promise<SearchFilter | string | null> {
  const words = searchedWords(form.q);
  if (words === null) return TOO_SHORT;
  const [from, to] = [day(form.from), day(form.to)];
  if (from === null || to === null) return 'A day is written 2027-01-31.';
  const user = form.user === '' ? null : await store.users.getByName(form.user);
  const machine = form.machine === '' ? null : await store.machines.getByName(form.machine);
  // The answer is the same for what is not there and for what this viewer may not know of.
  if (form.user !== '' && user === null) return null;
  if (form.machine !== '' && machine === null) return null;
  return {
    words,
    ...(form.kind === 'command' || form.kind === 'output' ? { kind: form.kind } : {}),
    ...(user === null ? {} : { userId: user.id }),
    ...(machine === null ? {} : { machineId: machine.id }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}

/** The console's search: a form whose answer is its own address. */
export function searchPages(app: Hono<ConsoleEnv>, deps: ConsoleDeps, assets: Assets): void {
  app.get('/search', async (c) => {
    const actor = actorOf(c, 'recordings:read');
    const form = formOf(c);
    const nothing = { viewer: actor.viewer, form, words: [], hits: null, problem: '', next: null };
    if (form.q === '') return c.html(searchPage(assets, nothing));
    const filter = await filterOf(deps, form);
    if (typeof filter === 'string') {
      return c.html(searchPage(assets, { ...nothing, problem: filter }));
    }
    if (filter === null) return c.html(searchPage(assets, { ...nothing, hits: [] }));
    const { hits, next } = await deps.search(actor, filter, c.req.query('cursor') ?? null);
    return c.html(searchPage(assets, { ...nothing, words: filter.words, hits, next }));
  });
}
