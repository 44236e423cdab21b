import { html } from 'hono/html';
import { printable } from '../domain/log.ts';
import { holdsScope } from '../domain/role.ts';
import type { Viewer } from '../domain/visibility.ts';
import type { Assets } from './assets.ts';

/** Markup whose inserted texts have been escaped by hono/html. */
export type Markup = ReturnType<typeof html>;

/** Text that somebody else chose, fit for a page: control and direction characters made visible. */
export function shown(text: string, most = 200): string {
  return printable(text, most);
}

interface Page {
  readonly title: string;
  readonly viewer: Viewer | null;
  readonly content: Markup;
  /** More for the head, such as the player's files. */
  readonly head?: Markup;
  readonly narrow?: boolean;
}

/** The pages that stand at the top, and what one must hold to see them. */
const PAGES = [
  ['/', 'Sessions', null],
  ['/search', 'Search', null],
  ['/terminal', 'Terminal', 'sessions:write'],
  ['/stacks', 'Stacks', null],
  ['/approvals', 'Approvals', null],
  ['/alerts', 'Alerts', 'admin'],
] as const;

function signedIn(viewer: Viewer, title: string): Markup {
  const pages = PAGES.filter(([, , scope]) => scope === null || holdsScope(viewer.scopes, scope));
  return html`<nav aria-label="Pages">
      ${pages.map(([path, name]) => {
        const current = name === title ? html` aria-current="page"` : '';
        return html`<a href="${path}"${current}>${name}</a>`;
      })}
    </nav>
    <form method="post" action="/signout">
    <span>${shown(viewer.name)}</span>
    <button type="submit">Sign out</button>
  </form>`;
}

/** A whole page of the console. */
export function layout(assets: Assets, page: Page): Markup {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${page.title} · Postern</title>
        <link rel="icon" href="${assets.path('favicon.svg')}" type="image/svg+xml" />
        <link rel="stylesheet" href="${assets.path('console.css')}" />
        ${page.head ?? ''}
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header>
          <a class="name" href="/">Postern</a>
          ${page.viewer === null ? '' : signedIn(page.viewer, page.title)}
        </header>
        <main id="main" class="${page.narrow === true ? 'narrow' : ''}">${page.content}</main>
      </body>
    </html>`;
}
