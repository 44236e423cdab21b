import { html } from 'hono/html';
import type { Container } from '../domain/container-engine.ts';
import {
  type EngineAway,
  type KnownServices,
  numbered,
  type Service,
  type Stack,
} from '../domain/stack.ts';
import type { Viewer } from '../domain/visibility.ts';
import type { Assets } from './assets.ts';
import { layout, type Markup, shown } from './layout.ts';
import { moment } from './words.ts';

/** A stack, and what is known of its containers; null: nothing. */
export interface ShownStack {
  readonly stack: Stack;
  readonly known: KnownServices | null;
}

interface StacksPage {
  readonly viewer: Viewer;
  readonly stacks: readonly ShownStack[];
  /** There are others, which the API lists. */
  readonly isPart: boolean;
  /** The viewer's name for SSH; null: they have none. */
  readonly userName: string | null;
  readonly ssh: { readonly host: string; readonly port: number };
}

function sshLine({ ssh, userName }: StacksPage, name: string): Markup | string {
  if (userName === null) return '';
  return html`<code>ssh -p ${ssh.port} ${shown(`${userName}+${name}@${ssh.host}`, 400)}</code>`;
}

function item(page: StacksPage, name: string, one: Container, isStale: boolean): Markup {
  const health = one.health === 'none' ? '' : `, ${one.health}`;
  const state = isStale ? 'running when last heard' : `${one.state}${health}`;
  return html`<li>
    <p>
      <strong>${shown(one.name)}</strong> ${state}<br />
      <span class="note">${shown(one.image)}, made ${moment(one.createdAt)}</span><br />
      ${sshLine(page, name)}
    </p>
  </li>`;
}

function serviceList(page: StacksPage, stack: Stack, service: Service, isStale: boolean): Markup {
  const name = `${stack.name}.${service.name}`;
  const several = service.containers.length > 1;
  return html`<h3>${shown(service.name)}</h3>
    ${several ? html`<p>The best of them: ${sshLine(page, name)}</p>` : ''}
    <ul aria-label="Containers of ${shown(name)}">
      ${[...numbered(service.containers)].map(([index, one]) =>
        item(page, several ? `${name}.${index}` : name, one, isStale),
      )}
    </ul>`;
}

function servicesOf(page: StacksPage, { stack, known }: ShownStack): Markup {
  if (stack.kind === 'server') return html`<p class="note">Plain machines, without containers.</p>`;
  if (known === null) return html`<p class="note">Its engine has not been heard of yet.</p>`;
  const { services, away } = known;
  if (away?.wasHeard === false) {
    return html`<p role="alert">Its engine has not been reached yet, tried since ${moment(away.since)}: ${shown(away.reason, 300)}.</p>`;
  }
  const isStale = away !== null;
  return html`${isStale ? lastHeard(away, services.length > 0) : ''}
  ${
    services.length === 0 && !isStale
      ? html`<p class="note">No container runs.</p>`
      : services.map((one) => serviceList(page, stack, one, isStale))
  }`;
}

function lastHeard({ since, reason }: EngineAway, ran: boolean): Markup {
  const before = ran
    ? 'What ran when it was last heard:'
    : 'No container ran when it was last heard.';
  return html`<p role="alert">Its engine has not answered since ${moment(since)}: ${shown(reason, 300)}. ${before}</p>`;
}

/** The stacks that the viewer may see, with the containers that run, and how to come to them. */
export function stacksPage(assets: Assets, page: StacksPage): Markup {
  const { viewer, stacks, isPart } = page;
  const content = html`<h1>Stacks</h1>
    ${stacks.length === 0 ? html`<p class="note">None that you may see.</p>` : ''}
    ${stacks.map(
      (one) => html`<h2>${shown(one.stack.name)}</h2>
        ${servicesOf(page, one)}`,
    )}
    ${isPart ? html`<p class="note">The newest; the API lists all of them.</p>` : ''}`;
  return layout(assets, { title: 'Stacks', viewer, content });
}
