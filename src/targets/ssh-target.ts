import type { Algorithms, Client, ClientChannel } from 'ssh2';
import type { AuthorizedRoute } from '../domain/access.ts';
import type { ControlPlane, SessionTicket } from '../domain/control-plane.ts';
import { PosternError } from '../domain/errors.ts';
import type { Place } from '../domain/forward.ts';
import { type Logger, printable, reasonOf } from '../domain/log.ts';
import type { ExitStatus, Window } from '../domain/terminal.ts';
import type {
  Link,
  Origin,
  TargetConnector,
  Upstream,
  UpstreamChannel,
  UpstreamRequest,
} from '../domain/upstream.ts';
import {
  closeChannel,
  exitInfo,
  sendBreak,
  sendEow,
  sendSignal,
  sendWindowChange,
} from '../ssh/channel.ts';
import {
  connectClient,
  type UpstreamAuth,
  UpstreamError,
  type UpstreamHostKey,
} from '../ssh/client.ts';
import { fingerprint } from '../ssh/host-key.ts';
import { openSession } from '../ssh/pty.ts';
import { dialThrough } from './dial.ts';

/** From the dial to the machine's yes, in milliseconds. */
const READY_MS = 10_000;

const CLOSE_MS = 5000;

/** Between two keepalive questions to a silent machine, in milliseconds. */
const KEEPALIVE_MS = 15_000;

export interface SshTargetsOptions {
  readonly control: Pick<ControlPlane, 'checkHostKey'>;
  readonly algorithms: Algorithms;
  readonly log: Logger;
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
  ): Promise<Upstream> {
    const { machine, login } = route;
    const hostKeys = new HostKeyQuestion(this.#options.control, route, ticket.sessionId);
    try {
      const client = await connectClient({
        host: machine.host,
        port: machine.port,
        username: login,
        auth: authOf(ticket, machine.name, login),
        verifyHostKey: (key) => hostKeys.ask(key),
        algorithms: preferring(machine.hostKey, this.#options.algorithms),
        readyTimeoutMs: READY_MS,
        keepaliveMs: KEEPALIVE_MS,
        signal,
      });
      return new SshUpstream(client, machine.name, this.#options.closeMs ?? CLOSE_MS);
    } catch (error) {
      this.#options.log.debug('a dial failed', { machine: machine.name, reason: reasonOf(error) });
      throw hostKeys.refusal ?? failure(error, machine.name, login, ticket);
    }
  }
}

/**
 * First the algorithms of the key that is pinned, as OpenSSH does: a machine that has keys of several
 * types would else show another one, which would read as a changed key.
 */
function preferring(pinned: string | null, algorithms: Algorithms): Algorithms {
  const type = pinned?.split(' ')[0];
  const offered = algorithms.serverHostKey;
  if (type === undefined || !Array.isArray(offered)) return algorithms;
  const fits = (one: string): boolean =>
    one === type || (type === 'ssh-rsa' && one.startsWith('rsa-sha2-'));
  const first = offered.filter(fits);
  return { ...algorithms, serverHostKey: [...first, ...offered.filter((one) => !fits(one))] };
}

function authOf(ticket: SessionTicket, machine: string, login: string): UpstreamAuth {
  if (ticket.credential.type === 'none') throw new PosternError('machine.auth', { machine, login });
  return ticket.credential;
}

function failure(
  error: unknown,
  machine: string,
  login: string,
  ticket: SessionTicket,
): PosternError {
  if (error instanceof PosternError) return error;
  const options = { cause: error };
  if (!(error instanceof UpstreamError)) {
    return new PosternError(
      'machine.unreachable',
      { machine, reason: 'an internal error' },
      options,
    );
  }
  if (error.kind === 'auth') {
    const code = ticket.credential.type === 'certificate' ? 'machine.certificate' : 'machine.auth';
    return new PosternError(code, { machine, login }, options);
  }
  const reason = printable(error.message, 300);
  return new PosternError('machine.unreachable', { machine, reason }, options);
}

/** Asks the control plane about the machine's key and remembers why the answer was no. */
class HostKeyQuestion {
  readonly #control: Pick<ControlPlane, 'checkHostKey'>;
  readonly #route: AuthorizedRoute;
  readonly #sessionId: number;
  refusal: PosternError | null = null;

  constructor(
    control: Pick<ControlPlane, 'checkHostKey'>,
    route: AuthorizedRoute,
    sessionId: number,
  ) {
    this.#control = control;
    this.#route = route;
    this.#sessionId = sessionId;
  }

  async ask(key: UpstreamHostKey): Promise<boolean> {
    const { id, name } = this.#route.machine;
    const line = `${key.algorithm} ${key.blob.toString('base64')}`;
    const answer = await this.#control.checkHostKey(this.#sessionId, id, {
      line,
      fingerprint: key.fingerprint,
    });
    if (answer.outcome === 'trusted') return true;
    const found = key.fingerprint;
    this.refusal =
      answer.outcome === 'changed'
        ? new PosternError('machine.host_key', {
            machine: name,
            expected: fingerprint(Buffer.from(answer.expected.split(' ')[1] ?? '', 'base64')),
            found,
          })
        : new PosternError('machine.host_key_unknown', { machine: name, found });
    return false;
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

  constructor(client: Client, machine: string, closeMs: number) {
    this.#client = client;
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
    const { pty, env, program } = request;
    const machine = this.#machine;
    try {
      const channel = await openSession(this.#client, {
        env,
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

  close(): void {
    this.#closing = true;
    this.#client.end();
  }
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
