import { html } from 'hono/html';
import type { Page } from '../domain/page.ts';
import { isThere, type RecordingState } from '../domain/recording.ts';
import type { Recording, Session, SessionChannel } from '../domain/session.ts';
import type { ShownCommands } from '../domain/shown-commands.ts';
import type { Transfer } from '../domain/transfer.ts';
import { isLive, mayTerminate, type Viewer } from '../domain/visibility.ts';
import type { Assets } from './assets.ts';
import { commandsTable } from './commands-table.ts';
import { layout, type Markup, shown } from './layout.ts';
import { transfersTable } from './transfers-table.ts';
import { bytes, lasting, moment, reasonText, status } from './words.ts';

interface SessionPage {
  readonly viewer: Viewer;
  readonly session: Session;
  readonly channels: readonly SessionChannel[];
  readonly recordings: readonly Recording[];
  /** The recording that is shown; null: there is none, or the viewer may not see it. */
  readonly chosen: Recording | null;
  /** How it is shown: as it goes on, here or (the node's name) elsewhere, or from its beginning. */
  readonly way: 'live' | 'replay' | { readonly node: string };
  /** Who could open the chosen one, where this node cannot; null: it can. */
  readonly lockedTo: string | null;
  /** Of the channel that is shown. */
  readonly commands: ShownCommands | null;
  /** The newest of them. */
  readonly transfers: Page<Transfer>;
  readonly now: Date;
}

function fact(name: string, value: Markup | string): Markup {
  return html`<dt>${name}</dt>
    <dd>${value}</dd>`;
}

function approvalFact({ approval }: Session): Markup | string {
  if (approval === null) return '';
  const { id, approvedBy, reason } = approval;
  const words = reason === '' ? '' : `: ${shown(reason, 500)}`;
  const link = html`<a href="/approvals/${id}">request ${id}</a>`;
  return fact('Approved', html`by ${shown(approvedBy)} (${link})${words}`);
}

function facts({ session, now }: SessionPage): Markup {
  const until = session.endedAt ?? now;
  const email = session.userEmail === null ? '' : ` (${shown(session.userEmail)})`;
  const { exitStatus } = session;
  return html`<dl>
    ${fact('User', `${shown(session.userName)}${email}`)}
    ${fact('Machine', `${shown(session.login)}@${shown(session.machineName)} (${shown(session.machineHost)})`)}
    ${fact('Kind', session.kind)} ${fact('Status', status(session))}
    ${isLive(session) ? '' : fact('End', reasonText(session))}
    ${fact('Started', moment(session.startedAt))}
    ${fact('Duration', lasting(until.getTime() - session.startedAt.getTime()))}
    ${exitStatus === null ? '' : fact('Exit status', String(exitStatus))}
    ${fact('From', `${shown(session.ipAddress)}, ${shown(session.userAgent)}`)}
    ${approvalFact(session)} ${holdFact(session)}
    ${fact('Sent and received', `${bytes(session.bytesIn)}, ${bytes(session.bytesOut)}`)}
  </dl>`;
}

function channelName(channel: SessionChannel | undefined, number: number): string {
  if (channel === undefined) return `channel ${number}`;
  const command = channel.command === null ? '' : `: ${shown(channel.command, 40)}`;
  return `${number} ${channel.kind}${command}`;
}

function tabs({ session, channels, recordings, chosen }: SessionPage): Markup | string {
  const playable = recordings.filter(isThere);
  if (playable.length < 2) return '';
  return html`<nav class="tabs" aria-label="Channels">
    ${playable.map(({ channel: number }) => {
      const channel = channels.find((one) => one.number === number);
      const current = number === chosen?.channel ? html` aria-current="page"` : '';
      return html`<a href="/sessions/${session.id}?channel=${number}" ${current}
        >${channelName(channel, number)}</a
      >`;
    })}
  </nav>`;
}

/** What people have to know of a recording that is not simply complete. */
const INTEGRITY: Partial<Record<RecordingState, string>> = {
  recovered: 'Recovered after a crash: its very end may be missing.',
  truncated: 'Cut short: its end is missing.',
  gap: 'It broke while the session went on: what came after is not recorded.',
  tampered: 'This is not what was sealed when it was recorded. Do not rely on it.',
};

function integrity(state: RecordingState): Markup | string {
  const words = INTEGRITY[state];
  if (words === undefined) return '';
  return html`<p class="note" role="status">${words}</p>`;
}

function deletions({ recordings }: SessionPage): Markup {
  return html`${recordings.map(({ channel, removed }) =>
    removed === null
      ? ''
      : html`<p class="note" role="status">
          The recording of channel ${channel} was deleted by ${shown(removed.by)},
          ${moment(removed.at)}. Its hash and its seals are kept.
        </p>`,
  )}`;
}

function holdFact({ hold }: Session): Markup | string {
  if (hold === null) return '';
  const words = hold.reason === '' ? '' : `: ${shown(hold.reason, 500)}`;
  return fact('Legal hold', html`by ${shown(hold.by)}, ${moment(hold.at)}${words}`);
}

/** Where what is seen would be, of a recording that is encrypted to others. */
function locked({ session, lockedTo }: SessionPage, channel: number): Markup {
  return html`<p class="note" role="status">
    This recording is encrypted to ${shown(lockedTo ?? '', 500)}. This node has no key that opens it, so it
    cannot be shown here.
    <a href="/sessions/${session.id}/download/${channel}" download>Download it encrypted</a>, and open it where
    the key is: <code>postern recording decrypt FILE --identity KEYFILE</code>
  </p>`;
}

function player(page: SessionPage, channel: number): Markup | string {
  const { session, way } = page;
  if (page.lockedTo !== null) return locked(page, channel);
  if (way === 'live') {
    return html`<div id="player" data-live="/v1/sessions/${session.id}/live?channel=${channel}">
      <noscript>Following a session needs JavaScript.</noscript>
    </div>`;
  }
  if (way !== 'replay') return '';
  const source = `/sessions/${session.id}/recording?channel=${channel}`;
  return html`<div id="player" data-src="${source}" data-replay="/sessions/${session.id}/replay/${channel}">
      <noscript>Replaying needs JavaScript.</noscript>
    </div>
    <p id="replay-note" class="note" role="status" hidden></p>`;
}

/** The recording so far, and what is said beside it where it goes on. */
function soFar({ session, chosen, way }: SessionPage): Markup | string {
  if (chosen?.state !== 'recording') return '';
  const page = `/sessions/${session.id}?channel=${chosen.channel}`;
  if (way === 'live') {
    return html`<p class="note" id="live-note" role="status">
      This goes on now. <a href="${page}&amp;from=start">Replay it from its beginning</a>
    </p>`;
  }
  if (way !== 'replay') {
    return html`<p class="note" role="status">
      This goes on now, on node ${shown(way.node)}: it can be followed and replayed there.
    </p>`;
  }
  return html`<p class="note" role="status">
    This goes on now: the replay ends where it was when the page was loaded.
    <a href="${page}">Follow it live</a>
  </p>`;
}

/** Why nothing is shown. */
function nothing({ session, recordings }: SessionPage): string {
  if (recordings.length === 0 && session.kind === 'sftp') {
    return 'SFTP has no terminal that could be recorded; what was done with files is below.';
  }
  if (recordings.length === 0 && session.kind === 'forward') {
    return 'What forwards carry is not recorded.';
  }
  return 'There is no recording to show.';
}

function download({ session, lockedTo, way }: SessionPage, channel: number): Markup | string {
  if (lockedTo !== null || way !== 'replay') return '';
  const file = `/sessions/${session.id}/download/${channel}`;
  return html`<p><a href="${file}" download>Download the asciicast</a></p>`;
}

function replay(page: SessionPage): Markup {
  const { channels, chosen } = page;
  if (chosen === null) return html`${deletions(page)}<p class="note">${nothing(page)}</p>`;
  const channel = channels.find(({ number }) => number === chosen.channel);
  const command = channel?.command ?? null;
  return html`${tabs(page)}${deletions(page)}
    ${command === null ? '' : html`<p>Command: <code>${shown(command, 2000)}</code></p>`}
    ${soFar(page)} ${integrity(chosen.state)}
    ${player(page, chosen.channel)} ${download(page, chosen.channel)}`;
}

function terminate({ session, viewer }: SessionPage): Markup | string {
  if (!mayTerminate(viewer, session)) return '';
  return html`<form method="post" action="/sessions/${session.id}/terminate">
    <button class="danger" type="submit">Terminate this session</button>
  </form>`;
}

function playerFiles(assets: Assets, way: 'live' | 'replay'): Markup {
  const island = way === 'live' ? 'live.js' : 'replay.js';
  return html`<link rel="stylesheet" href="${assets.path('player.css')}" />
    <script src="${assets.path('player.js')}" defer></script>
    <script type="module" src="${assets.path(island)}"></script>`;
}

/** One session: what is known of it, and its replay. */
export function sessionPage(assets: Assets, page: SessionPage): Markup {
  const { session, viewer, chosen, way } = page;
  const where = `${shown(session.login)}@${shown(session.machineName)}`;
  const content = html`<h1>Session ${session.id}</h1>
    <p class="note">${shown(session.userName)} on ${where}, ${moment(session.startedAt)}</p>
    ${terminate(page)}
    <h2>${chosen !== null && way === 'live' ? 'Live' : 'Replay'}</h2>
    ${replay(page)}
    ${page.commands === null ? '' : commandsTable(session.id, page.commands)}
    ${transfersTable(page.transfers)}
    <h2>Facts</h2>
    ${facts(page)}`;
  const shows = chosen !== null && page.lockedTo === null && (way === 'live' || way === 'replay');
  const head = shows ? playerFiles(assets, way) : html``;
  return layout(assets, { title: `Session ${session.id}`, viewer, content, head });
}
