import type { Client, ClientChannel } from 'ssh2';
import type { AuthorizedRoute } from '../domain/access.ts';
import type { SessionTicket } from '../domain/control-plane.ts';
import { PosternError } from '../domain/errors.ts';
import type { Place } from '../domain/forward.ts';
import { reasonOf } from '../domain/log.ts';
import type { ExitStatus, Window } from '../domain/terminal.ts';
import type {
  DeskKind,
  DeskRequest,
  Link,
  Offer,
  Origin,
  TargetConnector,
  Upstream,
  UpstreamChannel,
  UpstreamListener,
  UpstreamRequest,
  UserAgent,
} from '../domain/upstream.ts';
import {
  closeChannel,
  dropLateInput,
  exitInfo,
  sendBreak,
  sendEow,
  sendSignal,
  sendWindowChange,
} from '../ssh/channel.ts';
import { openSession, type SessionDesk } from '../ssh/pty.ts';
import { dialThrough } from './dial.ts';
import { Lending } from './lending.ts';
import { Listeners } from './listeners.ts';
import { type DialOptions, dial } from './way.ts';

const CLOSE_MS = 5000;

export interface SshTargetsOptions extends DialOptions {
  /** How long a machine may take to answer CLOSE, in milliseconds; 5000 if not given. */
  readonly closeMs?: number;
}

/** Machines of kind `ssh`: OpenSSH and its like. */
export class SshTargets implements TargetConnector {
  readonly #options: SshTargetsOptions;

  constructor(options: SshTargetsOptions) {
    this.#options = options;
  }

  async connect(
    route: AuthorizedRoute,
    ticket: SessionTicket,
    signal: AbortSignal,
    agent?: UserAgent,
  ): Promise<Upstream> {
    const { machine, login } = route;
    const stops = [...ticket.hops, { machine, login, credential: ticket.credential }];
    const client = await dial(stops, ticket.sessionId, this.#options, signal, agent);
    return new SshUpstream(client, machine.name, this.#options.closeMs ?? CLOSE_MS);
  }
}

/** One connection to an SSH machine. */
class SshUpstream implements Upstream {
  readonly closed: Promise<'closed' | 'lost'>;
  readonly #client: Client;
  readonly #machine: string;
  readonly #closeMs: number;
  #closing = false;
  #gone = false;
  #listeners: Listeners | null = null;
  readonly #lending: Lending;

  constructor(client: Client, machine: string, closeMs: number) {
    this.#client = client;
    this.#lending = new Lending(client);
    this.#machine = machine;
    this.#closeMs = closeMs;
    this.closed = new Promise((resolve) => {
      client.once('close', () => {
        this.#gone = true;
        resolve(this.#closing ? 'closed' : 'lost');
      });
    });
  }

  async open(request: UpstreamRequest): Promise<UpstreamChannel> {
    const { pty, env, program, desk } = request;
    const machine = this.#machine;
    try {
      const channel = await openSession(this.#client, {
        env,
        desk: desk && deskOf(desk),
        program: program.type === 'exec' ? { type: 'exec', command: commandOf(program) } : program,
        ...(pty === null
          ? {}
          : { pty: { term: pty.term, ...pty.window, modesRaw: Buffer.from(pty.modes) } }),
      });
      return new SshUpstreamChannel(channel, this.#closeMs);
    } catch (error) {
      // When the whole connection broke, that is told a turn later.
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (this.#gone) throw new PosternError('machine.lost', { machine }, { cause: error });
      const reason = reasonOf(error);
      throw new PosternError('machine.refused', { machine, reason }, { cause: error });
    }
  }

  dial(to: Place, from: Origin): Promise<Link> {
    return dialThrough(this.#client, this.#machine, to, from, () => this.#gone);
  }

  listen(at: Place, onOffer: (offer: Offer) => void): Promise<UpstreamListener> {
    this.#listeners ??= new Listeners(this.#client, this.#machine, () => this.#gone);
    return this.#listeners.listen(at, onOffer);
  }

  lend(kind: DeskKind, onOffer: (offer: Offer) => void): void {
    this.#lending.lend(kind, onOffer);
  }

  close(): void {
    this.#closing = true;
    this.#client.end();
  }
}

function deskOf({ agent, x11, answered }: DeskRequest): SessionDesk {
  return { agent, x11: x11 && { ...x11, cookie: x11.cookie.expose() }, answered };
}

function commandOf(program: {
  readonly command: string;
  readonly bytes?: Uint8Array;
}): string | Buffer {
  return program.bytes === undefined ? program.command : Buffer.from(program.bytes);
}

class SshUpstreamChannel implements UpstreamChannel {
  readonly stdin: NodeJS.WritableStream;
  readonly stdout: NodeJS.ReadableStream;
  readonly stderr: NodeJS.ReadableStream;
  readonly exited: Promise<ExitStatus | null>;
  readonly #channel: ClientChannel;
  readonly #closeMs: number;
  readonly #unanswered = Promise.withResolvers<void>();
  #closeTimer: NodeJS.Timeout | undefined;

  constructor(channel: ClientChannel, closeMs: number) {
    this.#channel = channel;
    this.#closeMs = closeMs;
    dropLateInput(channel);
    this.stdin = channel;
    this.stdout = channel;
    this.stderr = channel.stderr;
    channel.on('error', () => undefined);
    channel.stderr.on('error', () => undefined);
    this.exited = this.#whenExited();
  }

  /** The channel's own 'close' does not wait for what is left of stderr. */
  async #whenExited(): Promise<ExitStatus | null> {
    const output = new Promise<void>((resolve) => this.#channel.once('close', () => resolve()));
    const error = new Promise<void>((resolve) =>
      this.#channel.stderr.once('close', () => resolve()),
    );
    await Promise.race([Promise.all([output, error]), this.#unanswered.promise]);
    clearTimeout(this.#closeTimer);
    // When the whole connection broke, its owner hears of it in this turn: it is to know first.
    await new Promise<void>((resolve) => setImmediate(resolve));
    const info = exitInfo(this.#channel);
    if (info === undefined) return null;
    return 'status' in info ? { type: 'code', code: info.status } : { type: 'signal', ...info };
  }

  resize(window: Window): void {
    sendWindowChange(this.#channel, window);
  }

  signal(name: string): void {
    sendSignal(this.#channel, name);
  }

  sendBreak(length: number): void {
    sendBreak(this.#channel, length);
  }

  endOfWrite(): void {
    sendEow(this.#channel);
  }

  close(): void {
    // What nobody will read any more must not keep the channel from ending.
    this.#channel.resume();
    this.#channel.stderr.resume();
    closeChannel(this.#channel);
    this.#closeTimer ??= setTimeout(() => this.#unanswered.resolve(), this.#closeMs);
  }
}
