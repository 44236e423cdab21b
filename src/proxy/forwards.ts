import type { ServerChannel } from 'ssh2';
import type { AuthorizedRoute, Limits } from '../domain/access.ts';
import { PosternError } from '../domain/errors.ts';
import { forwardPermission, type Place, placeText } from '../domain/forward.ts';
import { printable } from '../domain/log.ts';
import type { Origin } from '../domain/upstream.ts';
import { linkOf } from '../ssh/link.ts';
import { OpenFailure } from '../ssh/messages.ts';
import { onDirectTcp, onDirectUnix, type RefuseOpen } from '../ssh/opens.ts';
import type { GuardedConnection } from '../ssh/server.ts';
import { type Ends, Forward } from './forward.ts';
import type { ForwardHost } from './forward-host.ts';
import { refusalOf } from './refusal.ts';
import { RemoteForwards } from './remote-forwards.ts';

interface Permitted {
  readonly limits: Limits;
  readonly to: Place;
}

/** Answers what a client asks of forwarding on its connection (RFC 4254 section 7). */
export class Forwards {
  readonly #guarded: GuardedConnection;
  readonly #host: ForwardHost;

  constructor(guarded: GuardedConnection, host: ForwardHost) {
    this.#guarded = guarded;
    this.#host = host;
  }

  listen(): void {
    const { connection } = this.#guarded;
    onDirectTcp(connection, (accept, refuse, { destIP: host, destPort: port, srcIP, srcPort }) => {
      const reject = (): void => refuse(OpenFailure.ResourceShortage, '');
      this.#host.jump({ host, port, accept, reject }, () => {
        const to: Place = { type: 'tcp', host, port };
        this.#direct(to, { address: srcIP, port: srcPort }, accept, refuse);
      });
    });
    onDirectUnix(connection, (accept, refuse, { socketPath }) => {
      this.#direct({ type: 'unix', path: socketPath }, { address: '', port: 0 }, accept, refuse);
    });
    new RemoteForwards(this.#guarded, this.#host).listen();
  }

  #direct(
    to: Place,
    from: Origin,
    accept: () => ServerChannel | undefined,
    refuse: RefuseOpen,
  ): void {
    this.#dial(to, from, accept, refuse).catch((error: unknown) => refuseOpen(refuse, error));
  }

  async #dial(
    to: Place,
    from: Origin,
    accept: () => ServerChannel | undefined,
    refuse: RefuseOpen,
  ): Promise<void> {
    const { session, permitted } = await this.#host.enter({
      permit: (route) => this.#permit(route, to),
      denied: () => this.#host.denied('forward-local', printable(placeText(to), 300)),
    });
    const open = async (): Promise<Ends> => {
      const upstream = await session.upstream();
      const machine = await upstream.dial(permitted.to, from);
      const down = this.#guarded.alive ? accept() : undefined;
      if (down !== undefined) return { user: linkOf(down), machine };
      machine.stream.resume();
      machine.close();
      throw new PosternError('client.gone');
    };
    new Forward(session, {
      capability: 'forward-local',
      place: placeText(to),
      limits: permitted.limits,
      limitsUnder: (route) => {
        const answer = forwardPermission(route, to, new Date());
        return answer.allowed ? answer.limits : null;
      },
      open,
      refuse: (error) => refuseOpen(refuse, error),
    });
  }

  /** Throws unless some grant in force allows it. */
  #permit(route: AuthorizedRoute, to: Place): Permitted {
    const answer = forwardPermission(route, to, new Date());
    if (answer.allowed) return answer;
    const place = printable(placeText(to), 300);
    const params = { capability: 'forward-local', place, machine: route.machine.name };
    throw new PosternError(answer.code, params);
  }
}

function refuseOpen(refuse: RefuseOpen, error: unknown): void {
  refuse(openFailureOf(error), refusalOf(error).text);
}

/** As sshd has it: 2 where the connection failed, 1 where it was not allowed. */
function openFailureOf(error: unknown): number {
  const code = error instanceof PosternError ? error.code : 'internal';
  const failed = code === 'forward.failed' || code.startsWith('machine.') || code === 'internal';
  return failed ? OpenFailure.ConnectFailed : OpenFailure.AdministrativelyProhibited;
}
