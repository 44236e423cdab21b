import { html } from 'hono/html';
import { fold, MOST_WORDS, SHORTEST_WORD } from '../domain/search.ts';
import { replayPath, type SearchHit } from '../domain/search-hit.ts';
import type { Viewer } from '../domain/visibility.ts';
import type { Assets } from './assets.ts';
import { layout, type Markup, shown } from './layout.ts';
import { moment } from './words.ts';

/** What the form says, as it was typed. */
export interface SearchForm {
  readonly q: string;
  readonly user: string;
  readonly machine: string;
  readonly kind: string;
  readonly from: string;
  readonly to: string;
}

interface SearchPage {
  readonly viewer: Viewer;
  readonly form: SearchForm;
  readonly words: readonly string[];
  /** Null: nothing was searched. */
  readonly hits: readonly SearchHit[] | null;
  /** What is wrong with the form; empty: nothing. */
  readonly problem: string;
  /** The cursor of the next page; null: this is the last. */
  readonly next: string | null;
}

export const TOO_SHORT = `Give 1 to ${MOST_WORDS} words, one of them of at least ${SHORTEST_WORD} characters.`;

/** The line with the words marked, where folding leaves its length as it is. */
function marked(line: string, words: readonly string[]): Markup {
  const folded = fold(line);
  if (folded.length !== line.length) return html`${shown(line, 500)}`;
  const parts: (Markup | string)[] = [];
  let at = 0;
  while (at < line.length) {
    const next = words
      .map((word) => ({ word, from: folded.indexOf(word, at) }))
      .filter(({ from }) => from >= 0)
      .sort((a, b) => a.from - b.from || b.word.length - a.word.length)[0];
    if (next === undefined) break;
    const end = next.from + next.word.length;
    parts.push(shown(line.slice(at, next.from), 500));
    parts.push(html`<mark>${shown(line.slice(next.from, end), 500)}</mark>`);
    at = end;
  }
  return html`${parts}${shown(line.slice(at), 500)}`;
}

function one(hit: SearchHit, words: readonly string[]): Markup {
  const around = (lines: readonly string[]) => lines.map((line) => html`${shown(line, 500)}\n`);
  return html`<li>
    <p>
      <a href="${replayPath(hit)}">${moment(hit.at)}</a>
      ${shown(hit.userName)}, ${shown(hit.login)}@${shown(hit.machineName)}, session
      ${hit.sessionId}, ${hit.kind}
    </p>
    <pre>${around(hit.before)}<b>${marked(hit.line, words)}</b>\n${around(hit.after)}</pre>
  </li>`;
}

function results({ hits, words, form, next, problem }: SearchPage): Markup | string {
  if (problem !== '') return html`<p class="note" role="alert">${problem}</p>`;
  if (hits === null) return '';
  const list = html`<ol class="hits" aria-label="Found">
    ${hits.map((hit) => one(hit, words))}
  </ol>`;
  const nothing = next === null ? 'Nothing was found.' : 'Nothing so far.';
  return html`${hits.length === 0 ? html`<p class="note">${nothing}</p>` : list}
    ${next === null ? '' : older(form, next)}`;
}

function older(form: SearchForm, next: string): Markup {
  const query = new URLSearchParams({ ...form, cursor: next });
  return html`<p class="pages"><a href="/search?${query.toString()}" rel="next">Older</a></p>`;
}

function field(name: keyof SearchForm, label: string, form: SearchForm, type = 'text'): Markup {
  return html`<div>
    <label for="${name}">${label}</label>
    <input id="${name}" name="${name}" type="${type}" value="${form[name]}" maxlength="200" />
  </div>`;
}

/** The form, and what was found: a line with its neighbours, and the way to its second. */
export function searchPage(assets: Assets, page: SearchPage): Markup {
  const { form } = page;
  const kinds = ['', 'command', 'output'] as const;
  const content = html`<h1>Search</h1>
    <form class="filter" method="get" action="/search">
      ${field('q', 'All these words, "some together"', form, 'search')}
      ${field('user', 'User', form)} ${field('machine', 'Machine', form)}
      <div>
        <label for="kind">In</label>
        <select id="kind" name="kind">
          ${kinds.map((kind) => {
            const chosen = kind === form.kind ? html` selected` : '';
            return html`<option value="${kind}" ${chosen}>${kind === '' ? 'everything' : kind === 'command' ? 'commands' : kind}</option>`;
          })}
        </select>
      </div>
      ${field('from', 'From (UTC)', form, 'date')} ${field('to', 'Before (UTC)', form, 'date')}
      <button type="submit">Search</button>
    </form>
    ${results(page)}`;
  return layout(assets, { title: 'Search', viewer: page.viewer, content });
}
