import { html } from 'hono/html';
import type { Assets } from './assets.ts';
import { layout, type Markup, shown } from './layout.ts';

interface SignInForm {
  /** Where to go on to; a path of this site. */
  readonly next: string;
  readonly name: string;
  readonly problem: string | null;
}

/** The form for user name and password. */
export function signInPage(assets: Assets, { next, name, problem }: SignInForm): Markup {
  const content = html`<h1>Sign in</h1>
    ${problem === null ? '' : html`<p class="problem" role="alert">${problem}</p>`}
    <form class="stack" method="post" action="/signin">
      <input type="hidden" name="next" value="${next}" />
      <label for="name">User name</label>
      <input id="name" name="name" value="${shown(name)}" autocomplete="username" required maxlength="64" autofocus />
      <label for="password">Password</label>
      <input id="password" name="password" type="password" autocomplete="current-password" required />
      <button class="main" type="submit">Sign in</button>
    </form>`;
  return layout(assets, { title: 'Sign in', viewer: null, content, narrow: true });
}

/**
 * What a one-time link shows. The link is used up by the button alone, so that what looks at links
 * on its own (previews, scanners) does not use it up.
 */
export function linkPage(assets: Assets, link: string): Markup {
  const content = html`<h1>Sign in</h1>
    <p>This link signs you in to Postern once.</p>
    <form method="post" action="/signin/${link}">
      <button class="main" type="submit" autofocus>Sign in</button>
    </form>`;
  return layout(assets, { title: 'Sign in', viewer: null, content, narrow: true });
}
