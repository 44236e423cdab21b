import type { AuthContext, Connection, KexAlgorithm, ServerChannel, Session } from 'ssh2';
import { clientAlgorithms, serverAlgorithms } from '../../src/ssh/algorithms.ts';
import { connectClient, type UpstreamOptions } from '../../src/ssh/client.ts';
import { generateHostKey, type HostKey, loadHostKey } from '../../src/ssh/host-key.ts';
import {
  createSshServer,
  type GuardedConnection,
  type ServerEvent,
  type ServerLimits,
  type SshServer,
} from '../../src/ssh/server.ts';
import { within } from './raw-peer.ts';

const CIPHERS = { ciphers: ['aes128-gcm@openssh.com', 'aes256-ctr'], failed: [] };
export const hostKey = loadHostKey(generateHostKey().privatePem);

export interface LabOptions {
  readonly limits?: Partial<ServerLimits>;
  readonly nextHostKeys?: readonly HostKey[];
  /** Key exchange methods instead of ours. */
  readonly kex?: KexAlgorithm[];
  /** Decides on authentication; without it the password `secret` is right. */
  onAuth?(context: AuthContext, connection: Connection): void;
  onSession?(session: Session, connection: Connection): void;
  onExec?(channel: ServerChannel, command: string, session: Session): void;
  onConnection?(guarded: GuardedConnection): void;
}

/** A server of ours on a free port, with what it told. */
export class Lab implements AsyncDisposable {
  readonly server: SshServer;
  readonly fingerprint = hostKey.fingerprint;
  readonly events: ServerEvent[] = [];
  readonly connections: GuardedConnection[] = [];
  readonly sessions: Session[] = [];
  readonly channels: ServerChannel[] = [];
  port = 0;
  readonly #listeners = new Set<() => void>();

  constructor(options: LabOptions) {
    this.server = createSshServer({
      hostKey,
      nextHostKeys: options.nextHostKeys ?? [],
      ident: 'OpenSSH_9.9 Postern',
      algorithms: { ...serverAlgorithms(CIPHERS), ...(options.kex ? { kex: options.kex } : {}) },
      limits: { graceMs: 3_000, ...options.limits },
      onEvent: (event) => {
        this.events.push(event);
        this.#changed();
      },
      onConnection: (guarded) => {
        this.connections.push(guarded);
        options.onConnection?.(guarded);
        this.#serve(guarded.connection, options);
        this.#changed();
      },
    });
  }

  static async start(options: LabOptions = {}): Promise<Lab> {
    const lab = new Lab(options);
    ({ port: lab.port } = await lab.server.listen('127.0.0.1', 0));
    return lab;
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  #serve(connection: Connection, options: LabOptions): void {
    connection.on('authentication', (context) => {
      if (options.onAuth) return options.onAuth(context, connection);
      if (context.method === 'password' && context.password === 'secret') context.accept();
      else context.reject(['password']);
    });
    connection.on('session', (accept) => {
      const session = accept();
      this.sessions.push(session);
      options.onSession?.(session, connection);
      session.on('exec', (acceptExec, _reject, info) => {
        const channel = acceptExec();
        this.channels.push(channel);
        options.onExec?.(channel, info.command, session);
        this.#changed();
      });
      this.#changed();
    });
  }

  /** Waits until something holds about what was told. */
  until(holds: () => boolean, what: string, ms?: number): Promise<void> {
    const held = new Promise<void>((resolve) => {
      const look = () => holds() && resolve();
      this.#listeners.add(look);
      look();
    });
    return within(held, `${what}; told: ${JSON.stringify(this.events)}`, ms);
  }

  /** Waits until the server has told of an event whose type or text matches. */
  tells(pattern: RegExp, ms?: number): Promise<void> {
    const matches = () =>
      this.events.some((event) => pattern.test(`${event.type} ${event.detail}`));
    return this.until(matches, String(pattern), ms);
  }

  /** Waits until the server holds no socket any more. */
  empty(ms?: number): Promise<void> {
    const emptied = new Promise<void>((resolve) => {
      const look = () => (this.server.count === 0 ? resolve() : setTimeout(look, 5));
      look();
    });
    return within(emptied, 'an empty server', ms);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
    await this.server.destroyAll('end of the test');
  }
}

/** How to reach the lab's server as if it were a machine. */
export function upstream(port: number, over: Partial<UpstreamOptions> = {}): UpstreamOptions {
  return {
    host: '127.0.0.1',
    port,
    username: 'root',
    auth: { type: 'password', password: 'secret' },
    verifyHostKey: () => Promise.resolve(true),
    algorithms: clientAlgorithms(CIPHERS),
    readyTimeoutMs: 3_000,
    keepaliveMs: 0,
    ...over,
  };
}

/** Both legs: our client connected to our server. */
export async function bothLegs(options: LabOptions, over: Partial<UpstreamOptions> = {}) {
  const lab = await Lab.start(options);
  const client = await connectClient(upstream(lab.port, over));
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
  const errors: Error[] = [];
  client.on('error', (error) => errors.push(error));
  return {
    lab,
    client,
    errors,
    closed,
    async [Symbol.asyncDispose]() {
      client.destroy();
      await within(closed, 'the end of the client');
      await lab[Symbol.asyncDispose]();
    },
  };
}
