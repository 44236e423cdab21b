import { html } from 'hono/html';
import type { SessionCommand } from '../domain/analysis.ts';
import type { ShownCommands } from '../domain/shown-commands.ts';
import { type Markup, shown } from './layout.ts';
import { lasting } from './words.ts';

/** The picture before a command says what it was done to. */
const BEFORE = 1;

/** `1:02:03`, `2:03`. */
function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const tail = String(whole % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`;
}

function row(session: number, command: SessionCommand): Markup {
  const { channel, start, end, text, exitStatus, source, confidence, cwd } = command;
  const second = Math.max(0, start - BEFORE).toFixed(1);
  const place = `/sessions/${session}?channel=${channel}&t=${second}&from=start`;
  return html`<tr>
    <td class="time"><a href="${place}" data-second="${second}">${clock(start)}</a></td>
    <td class="long"><code>${shown(text.replaceAll('\n', ' ↵ '), 300)}</code></td>
    <td class="time">${end === null ? '' : lasting((end - start) * 1000)}</td>
    <td>${exitStatus === null ? '' : String(exitStatus)}</td>
    <td class="path">${cwd === null ? '' : html`<code>${shown(cwd, 100)}</code>`}</td>
    <td class="word">${source}, ${confidence}</td>
  </tr>`;
}

function remarks({ commands, more, analysis }: ShownCommands): Markup | string {
  if (analysis?.state === 'failed') {
    return html`<p class="note" role="status">
      This recording could not be read for its commands: ${shown(analysis.reason ?? '', 200)}.
    </p>`;
  }
  if (analysis?.state === 'waiting') {
    return html`<p class="note" role="status">This recording is still to be read for its commands.</p>`;
  }
  if (more) return html`<p class="note">Further ones: the API lists all of them.</p>`;
  if (commands.length === 0) return '';
  return html`<p class="note">
    Read off what was to be seen, to find one's way: it is no proof of what was done.
  </p>`;
}

/** What was typed into a channel's shells; each leads the player to its second. */
export function commandsTable(session: number, found: ShownCommands): Markup | string {
  const { commands } = found;
  if (commands.length === 0 && !['failed', 'waiting'].includes(found.analysis?.state ?? ''))
    return '';
  const table = html`<div class="scroll"><table id="commands" aria-label="Commands">
    <thead>
      <tr>
        <th scope="col">At</th>
        <th scope="col">Command</th>
        <th scope="col">For</th>
        <th scope="col">Exit</th>
        <th scope="col">In</th>
        <th scope="col">Source</th>
      </tr>
    </thead>
    <tbody>
      ${commands.map((command) => row(session, command))}
    </tbody>
  </table></div>`;
  return html`<h2>Commands</h2>
    ${commands.length === 0 ? '' : table} ${remarks(found)}`;
}
