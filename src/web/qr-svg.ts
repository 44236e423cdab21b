import { html } from 'hono/html';
import { generate } from 'lean-qr';
import { toSvgPath } from 'lean-qr/extras/svg';
import type { Markup } from './layout.ts';

/** Modules of light around the code (ISO/IEC 18004 §5.3.8). */
const QUIET = 4;

/** A QR code as inline SVG: attributes alone, for the policy of the pages allows no inline style. */
export function qrSvg(text: string, label: string): Markup {
  const code = generate(text);
  const size = code.size + 2 * QUIET;
  return html`<svg class="qr" role="img" aria-label="${label}" viewBox="${-QUIET} ${-QUIET} ${size} ${size}" width="240" height="240" shape-rendering="crispEdges">
    <rect x="${-QUIET}" y="${-QUIET}" width="${size}" height="${size}" fill="#fff" />
    <path d="${toSvgPath(code)}" fill="#000" />
  </svg>`;
}
