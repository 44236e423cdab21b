import { html } from 'hono/html';
import { type Machine, SSH_PORT } from '../domain/machine.ts';
import type { Viewer } from '../domain/visibility.ts';
import type { Assets } from './assets.ts';
import type { SeenMachine } from './deps.ts';
import { layout, type Markup, shown } from './layout.ts';

/** A terminal that waits for its page. */
export interface TerminalShown {
  readonly sessionId: number;
  readonly url: string;
  readonly token: string;
}

/** What was asked for, to be asked for again. */
export interface TerminalWish {
  readonly machineId: number;
  readonly login: string | null;
}

function hidden({ machineId, login }: TerminalWish): Markup {
  return html`<input type="hidden" name="machine" value="${machineId}" />
    <input type="hidden" name="login" value="${login ?? ''}" />`;
}

function row({ machine, isShut }: SeenMachine): Markup {
  const { name, host, port, description } = machine;
  return html`<tr>
    <th scope="row">${shown(name)}</th>
    <td>${isShut ? 'You may see it, but not connect' : connecting(machine)}</td>
    <td>${shown(host)}${port === 0 || port === SSH_PORT ? '' : `:${port}`}</td>
    <td>${shown(description)}</td>
  </tr>`;
}

function connecting({ id, name, login }: Machine): Markup {
  return html`<form class="inline" method="post" action="/terminal">
    <input type="hidden" name="machine" value="${id}" />
    <label class="inline">Login
      <input name="login" placeholder="${login}" maxlength="64" autocomplete="off" />
    </label>
    <button type="submit" aria-label="Connect to ${shown(name)}">Connect</button>
  </form>`;
}

/** The machines that may be seen, and a way into those that may be entered. */
export function machinesPage(
  assets: Assets,
  page: { readonly viewer: Viewer; readonly machines: readonly SeenMachine[] },
): Markup {
  const { viewer, machines } = page;
  const list =
    machines.length === 0
      ? html`<p class="note">There is no machine that you may see.</p>`
      : html`<div class="scroll"><table aria-label="Machines">
          <thead>
            <tr>
              <th scope="col">Machine</th>
              <th scope="col">Terminal</th>
              <th scope="col">Address</th>
              <th scope="col">Description</th>
            </tr>
          </thead>
          <tbody>
            ${machines.map(row)}
          </tbody>
        </table></div>`;
  const content = html`<h1>Terminal</h1>
    ${list}`;
  return layout(assets, { title: 'Terminal', viewer, content });
}

/** What stands between a wish and its terminal: an approval, or a verification code. */
export function beforeTerminalPage(
  assets: Assets,
  page: {
    readonly viewer: Viewer;
    readonly wish: TerminalWish;
    readonly need: 'approval' | 'code';
    readonly message: string;
  },
): Markup {
  const { viewer, wish, need, message } = page;
  const code = html`<label for="code">Verification code</label>
    <input id="code" name="code" autocomplete="one-time-code" maxlength="64" required autofocus />`;
  const content = html`<h1>${need === 'code' ? 'A code is needed' : 'Waiting for approval'}</h1>
    <p>${message}</p>
    <form id="terminal-wish" method="post" action="/terminal">
      ${hidden(wish)} ${need === 'code' ? code : ''}
      <button type="submit">${need === 'code' ? 'Connect' : 'Ask again'}</button>
    </form>`;
  const again = html`<script src="${assets.path('terminal-wait.js')}" defer></script>`;
  const head = need === 'approval' ? again : html``;
  return layout(assets, { title: 'Terminal', viewer, content, head, narrow: true });
}

/** A terminal; its token is good once. */
export function terminalPage(
  assets: Assets,
  page: {
    readonly viewer: Viewer;
    readonly wish: TerminalWish;
    readonly machine: string;
    readonly terminal: TerminalShown;
  },
): Markup {
  const { viewer, terminal, machine, wish } = page;
  const content = html`<h1>${shown(machine)}</h1>
    <p id="terminal-note" role="status">Connecting</p>
    <div
      id="terminal"
      class="terminal"
      data-url="${terminal.url}"
      data-token="${terminal.token}"
      data-emulator="${assets.path('xterm-headless.mjs')}"
      data-screen="${assets.path('terminal-screen.js')}"
      data-keys="${assets.path('terminal-keys.js')}"
    ></div>
    <textarea
      id="terminal-keys"
      class="keyboard"
      aria-label="Terminal input"
      autocapitalize="off"
      autocomplete="off"
      spellcheck="false"
    ></textarea>
    <div id="terminal-after" hidden>
      <form method="post" action="/terminal">
        ${hidden(wish)}
        <button type="submit">Connect again</button>
      </form>
    </div>
    <p class="note"><a href="/sessions/${terminal.sessionId}">This session</a> is recorded as any other.</p>`;
  const head = html`<link rel="stylesheet" href="${assets.path('terminal.css')}" />
    <script type="module" src="${assets.path('terminal.js')}"></script>`;
  return layout(assets, { title: `${shown(machine)}, terminal`, viewer, content, head });
}
