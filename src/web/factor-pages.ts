import { html } from 'hono/html';
import type { Assets } from './assets.ts';
import { layout, type Markup } from './layout.ts';
import { qrSvg } from './qr-svg.ts';

interface CodeForm {
  /** Where to go on to; a path of this site. */
  readonly next: string;
  readonly problem: string | null;
  /** `otpauth:` of an enrolment under way; null: the user has a second factor. */
  readonly uri: string | null;
}

function codeForm({ next, problem, uri }: CodeForm): Markup {
  return html`${problem === null ? '' : html`<p class="problem" role="alert">${problem}</p>`}
    <form class="stack" method="post" action="/signin/code">
      <input type="hidden" name="next" value="${next}" />
      <input type="hidden" name="uri" value="${uri ?? ''}" />
      <label for="code">Verification code</label>
      <input id="code" name="code" autocomplete="one-time-code" autocapitalize="off" spellcheck="false" required maxlength="64" autofocus />
      <button class="main" type="submit">Sign in</button>
    </form>`;
}

/** The second page of a sign-in: the code, or a recovery code. */
export function codePage(assets: Assets, form: CodeForm): Markup {
  const content = html`<h1>Verification code</h1>
    <p>From your authenticator app, or one of your recovery codes.</p>
    ${codeForm(form)}`;
  return layout(assets, { title: 'Verification code', viewer: null, content, narrow: true });
}

/** In groups of four letters, as people type it. */
function secretOf(uri: string): string {
  const secret = /[?&]secret=([A-Z2-7]+)/.exec(uri)?.[1] ?? '';
  return secret.replace(/.{4}(?=.)/g, '$& ');
}

/** The same for who must have a second factor and has none. */
export function enrolmentPage(assets: Assets, form: CodeForm & { readonly uri: string }): Markup {
  const content = html`<h1>Set up a second factor</h1>
    <p>Your account needs one. Scan this with an authenticator app, then type the code that it shows.</p>
    ${qrSvg(form.uri, 'QR code for an authenticator app')}
    <p>Without a camera, type this secret into the app: <code>${secretOf(form.uri)}</code></p>
    ${codeForm(form)}`;
  return layout(assets, { title: 'Set up a second factor', viewer: null, content, narrow: true });
}

/** Recovery codes, shown once. */
export function recoveryPage(assets: Assets, codes: readonly string[], next: string): Markup {
  const content = html`<h1>Recovery codes</h1>
    <p>Without the app, each of these signs you in once. They are shown only now: keep them somewhere safe.</p>
    <ul class="codes">${codes.map((code) => html`<li><code>${code}</code></li>`)}</ul>
    <p><a href="${next}">I have kept them: go on</a></p>`;
  return layout(assets, { title: 'Recovery codes', viewer: null, content, narrow: true });
}
