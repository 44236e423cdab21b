import type { Duplex } from 'node:stream';
import type { Algorithms, Client } from 'ssh2';
import type { ControlPlane, Hop } from '../domain/control-plane.ts';
import { type ErrorCode, PosternError } from '../domain/errors.ts';
import { type Logger, printable, reasonOf, rootReasonOf } from '../domain/log.ts';
import type { MachineAlgorithms } from '../domain/machine.ts';
import type { KeyLife } from '../domain/ssh-manners.ts';
import type { UserAgent } from '../domain/upstream.ts';
import { connectClient, type UpstreamAuth, UpstreamError } from '../ssh/client.ts';
import { openDirect } from '../ssh/direct.ts';
import { borrowAgent } from './borrowed-agent.ts';
import { HostKeyQuestion } from './host-key-question.ts';

/** From the dial to the machine's yes, in milliseconds; for each machine on the way. */
const READY_MS = 10_000;

/** The same where a person may have to touch a token, or say yes, before their agent signs. */
const READY_BY_HAND_MS = 60_000;

/** Between two keepalive questions to a silent machine, in milliseconds. */
const KEEPALIVE_MS = 15_000;

export interface DialOptions {
  readonly control: Pick<ControlPlane, 'checkHostKey'>;
  readonly algorithms: Readonly<Record<MachineAlgorithms, Algorithms>>;
  readonly limits?: KeyLife;
  readonly log: Logger;
}

/**
 * Logs in to one machine after the other, each through the one before, and answers the connection to
 * the last; the others go with it. Rejects with a PosternError that names the machine that failed.
 */
export async function dial(
  stops: readonly Hop[],
  sessionId: number,
  options: DialOptions,
  signal: AbortSignal,
  agent?: UserAgent,
): Promise<Client> {
  const clients: Client[] = [];
  const endAll = (): void => {
    for (const client of clients.toReversed()) client.end();
  };
  try {
    for (const [at, stop] of stops.entries()) {
      const before = clients.at(-1);
      const through = stops[at - 1];
      const sock =
        before === undefined || through === undefined
          ? undefined
          : await passage(before, through, stop, signal);
      clients.push(await logIn(stop, sock, sessionId, options, signal, agent));
    }
  } catch (error) {
    endAll();
    throw error;
  }
  const last = clients.pop();
  if (last === undefined) throw new TypeError('nothing to dial');
  last.once('close', endAll);
  return last;
}

/** A channel through one machine to the next. */
async function passage(
  client: Client,
  through: Hop,
  to: Hop,
  signal: AbortSignal,
): Promise<Duplex> {
  const { host, port, name } = to.machine;
  try {
    return await openDirect(client, { host, port, timeoutMs: READY_MS, signal });
  } catch (error) {
    const reason = printable(`through ${through.machine.name}: ${reasonOf(error)}`, 300);
    throw new PosternError('machine.unreachable', { machine: name, reason }, { cause: error });
  }
}

async function logIn(
  stop: Hop,
  sock: Duplex | undefined,
  sessionId: number,
  options: DialOptions,
  signal: AbortSignal,
  agent: UserAgent | undefined,
): Promise<Client> {
  const { machine, login } = stop;
  const hostKeys = new HostKeyQuestion(options.control, machine, sessionId);
  const byHand = stop.credential.type === 'agent';
  const borrowed = byHand ? await borrowAgent(agent, machine.name, signal) : null;
  try {
    return await connectClient({
      host: machine.host,
      port: machine.port,
      username: login,
      auth: borrowed?.auth ?? authOf(stop),
      verifyHostKey: (key) => hostKeys.ask(key),
      algorithms: preferring(machine.hostKey, options.algorithms[machine.algorithms]),
      sha1Signatures: machine.algorithms === 'old',
      readyTimeoutMs: byHand ? READY_BY_HAND_MS : READY_MS,
      keepaliveMs: KEEPALIVE_MS,
      signal,
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      ...(sock === undefined ? {} : { sock }),
    });
  } catch (error) {
    options.log.debug('a dial failed', { machine: machine.name, reason: rootReasonOf(error) });
    throw hostKeys.refusal ?? failure(error, stop);
  } finally {
    borrowed?.giveBack();
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

function authOf({ machine, login, credential }: Hop): UpstreamAuth {
  if (credential.type === 'none' || credential.type === 'agent') {
    throw new PosternError('machine.auth', { machine: machine.name, login });
  }
  return credential;
}

/** What a machine's no means, by what it was shown. */
const REFUSED = {
  password: 'machine.auth',
  publickey: 'machine.auth',
  certificate: 'machine.certificate',
  agent: 'machine.agent',
  none: 'machine.auth',
} as const satisfies Record<Hop['credential']['type'], ErrorCode>;

function failure(error: unknown, stop: Hop): PosternError {
  if (error instanceof PosternError) return error;
  const machine = stop.machine.name;
  const { login, credential } = stop;
  const options = { cause: error };
  if (!(error instanceof UpstreamError)) {
    return new PosternError(
      'machine.unreachable',
      { machine, reason: 'an internal error' },
      options,
    );
  }
  if (error.kind === 'auth') {
    return new PosternError(REFUSED[credential.type], { machine, login }, options);
  }
  const reason = printable(error.message, 300);
  return new PosternError('machine.unreachable', { machine, reason }, options);
}
