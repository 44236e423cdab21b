import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import { PosternError } from '../domain/errors.ts';
import { formatId } from '../domain/ids.ts';
import { printable } from '../domain/log.ts';
import { isOwnPage } from '../domain/own-page.ts';
import { holdsScope } from '../domain/role.ts';
import type { Window } from '../domain/terminal.ts';
import { viewerByHash } from '../domain/visibility.ts';
import type { WantedTerminal } from '../domain/web-terminal.ts';
import type { ApiEnv, Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { note } from './journal.ts';
import { seenMachine } from './machine-access.ts';
import type { Ticket } from './terminal-room.ts';
import { TerminalSocket } from './terminal-socket.ts';

/** What is asked for when a terminal or a trial is. */
export interface TerminalAsked {
  readonly machineId: number;
  readonly login: string | null;
  readonly code: string | null;
  /** What the client calls itself. */
  readonly client: string;
}

/** A terminal that waits for its browser. */
export interface MadeTerminal {
  readonly sessionId: number;
  readonly url: string;
  /** Good once. */
  readonly token: string;
  readonly expiresAt: Date;
}

/** Throws `thing.not_found` for a machine that the caller may not see, `terminal.nobody`. */
async function wantedBy(
  deps: ApiDeps,
  { viewer, source }: Caller,
  { machineId, login, code, client }: TerminalAsked,
): Promise<WantedTerminal & { readonly machineId: number; readonly userId: number }> {
  const machine = await seenMachine(deps.store, viewer, deps.clock(), machineId);
  const { userId } = viewer;
  if (userId === null) throw new PosternError('terminal.nobody');
  const user = await deps.store.users.get(userId);
  if (user === null) throw new PosternError('request.unauthorized');
  return {
    ...{ machineId, userId, login, code, machine: machine.name },
    user: { userId, userName: user.name, proof: null },
    proof: viewer.tokenHash,
    facts: {
      connectionId: randomUUID(),
      sourceAddress: source,
      client: printable(client, 255),
    },
  };
}

/** As the page's own address, over a WebSocket. */
function socketUrl(deps: ApiDeps, sessionId: number): string {
  const url = new URL(`/v1/sessions/${formatId('sess', sessionId)}/ws`, deps.publicUrl());
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

/**
 * Begins a session that its user opens a terminal for within five minutes. Throws `thing.not_found` for a
 * machine that they may not see, and as WebTerminals.openTerminal.
 */
export async function openTerminal(
  deps: ApiDeps,
  caller: Caller,
  asked: TerminalAsked,
  window: Window,
): Promise<MadeTerminal> {
  const { userId, machineId: _, ...wanted } = await wantedBy(deps, caller, asked);
  deps.room.makeRoom(userId);
  const sessionId = await deps.terminals.openTerminal(wanted);
  const { tokenHash } = caller.viewer;
  const kept = await deps.room.keep({ sessionId, userId, tokenHash, window });
  return { sessionId, url: socketUrl(deps, sessionId), ...kept };
}

/** Logs in to a machine and leaves; noted in the audit. Throws as `openTerminal` does. */
export async function tryMachine(deps: ApiDeps, caller: Caller, asked: TerminalAsked) {
  const { machineId, userId: _, ...wanted } = await wantedBy(deps, caller, asked);
  const trial = await deps.terminals.tryMachine(wanted);
  const { sessionId, connected } = trial;
  await note(deps.store, caller, deps.clock(), 'machine.tried', {
    ...{ machineId, sessionId },
    detail: { connected },
  });
  return { trial, machine: await deps.store.machines.get(machineId) };
}

/** Throws `request.cross_site` for what another site's page asks for. */
function refuseOthers(c: Context<ApiEnv>, deps: ApiDeps): void {
  const [site, origin, host] = ['sec-fetch-site', 'origin', 'host'].map((name) =>
    c.req.header(name),
  );
  if (site === undefined && origin === undefined) return;
  if (!isOwnPage({ site, origin, host }, deps.publicUrl())) {
    throw new PosternError('request.cross_site');
  }
}

/** Who it was begun with still may, by the same token. */
async function stillMay(deps: ApiDeps, { tokenHash, userId }: Ticket): Promise<boolean> {
  const viewer = await viewerByHash(tokenHash, deps.store, deps.clock());
  return viewer?.userId === userId && holdsScope(viewer.scopes, 'sessions:write');
}

/**
 * Makes the request's socket the terminal of a session, once its first message has proved whose it is:
 * nothing is said before of whether there is one. Throws `request.cross_site` and `terminal.no_socket`.
 */
export function attachTerminal(deps: ApiDeps, c: Context<ApiEnv>, sessionId: number): Response {
  refuseOthers(c, deps);
  // Where nothing serves sockets there is no environment at all.
  const upgrade = (c.env as ApiEnv['Bindings'] | undefined)?.upgrade;
  if (upgrade === undefined) throw new PosternError('terminal.no_socket');
  const { terminals, room, log } = deps;
  const may = (ticket: Ticket): Promise<boolean> => stillMay(deps, ticket);
  const host = { sessionId, terminals, room, may, log };
  upgrade.accept('', (socket) => void new TerminalSocket(socket, host), 'talks');
  return c.body(null, 200);
}
