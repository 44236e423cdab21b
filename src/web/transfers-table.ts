import { html } from 'hono/html';
import type { Page } from '../domain/page.ts';
import type { Transfer } from '../domain/transfer.ts';
import { type Markup, shown } from './layout.ts';
import { bytes, moment } from './words.ts';

function row(transfer: Transfer): Markup {
  const { path, target, direction, operation, sha256, result } = transfer;
  const what = operation === 'file' ? (direction ?? 'open') : operation;
  return html`<tr>
    <td class="time">${moment(transfer.startedAt)}</td>
    <td class="word">${transfer.protocol} ${what}</td>
    <td class="long"><code>${shown(path, 200)}</code>${target === null ? '' : html` → <code>${shown(target, 200)}</code>`}</td>
    <td class="word">${bytes(transfer.bytesWritten)}, ${bytes(transfer.bytesRead)}</td>
    <td>${shown(result, 80)}</td>
    <td class="word">${sha256 === null ? '' : html`<code title="${sha256}">${sha256.slice(0, 16)}</code>`}</td>
  </tr>`;
}

/** The newest of what a session did with files; nothing where it did none. */
export function transfersTable(page: Page<Transfer>): Markup | string {
  if (page.rows.length === 0) return '';
  return html`<h2>Files</h2>
    <div class="scroll"><table aria-label="Files">
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">What</th>
          <th scope="col">Path</th>
          <th scope="col">Sent, received</th>
          <th scope="col">Result</th>
          <th scope="col">SHA-256</th>
        </tr>
      </thead>
      <tbody>
        ${page.rows.map(row)}
      </tbody>
    </table></div>
    ${page.next === null ? '' : html`<p class="note">Older ones: the API lists all of them.</p>`}`;
}
