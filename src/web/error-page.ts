import { html } from 'hono/html';
import type { Viewer } from '../domain/visibility.ts';
import type { Assets } from './assets.ts';
import { layout, type Markup } from './layout.ts';

/** A failure that its reader may read: `message` is a sentence of the catalogue. */
export function errorPage(
  assets: Assets,
  viewer: Viewer | null,
  failure: { readonly title: string; readonly message: string },
): Markup {
  const content = html`<h1>${failure.title}</h1>
    <p>${failure.message}</p>
    <p><a href="/">Back to the sessions</a></p>`;
  return layout(assets, { title: failure.title, viewer, content });
}
