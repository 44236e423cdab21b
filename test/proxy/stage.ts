import { readFileSync } from 'node:fs';
import { Writable } from 'node:stream';
import ssh2, { type Client, type ClientChannel, type ConnectConfig } from 'ssh2';
import { LocalControlPlane } from '../../src/control/control-plane.ts';
import { ScryptPasswords } from '../../src/control/password.ts';
import { parsePublicKey } from '../../src/control/public-key.ts';
import type { AuditEvent } from '../../src/domain/audit.ts';
import type { Counters } from '../../src/domain/counters.ts';
import type { NewGrant } from '../../src/domain/grant.ts';
import type { Machine, NewMachine } from '../../src/domain/machine.ts';
import { Secret } from '../../src/domain/secret.ts';
import type { Session } from '../../src/domain/session.ts';
import type { Store } from '../../src/domain/store.ts';
import type { TargetConnector } from '../../src/domain/upstream.ts';
import { createLogger } from '../../src/log/logger.ts';
import { SshGateway } from '../../src/proxy/gateway.ts';
import { openRecorder } from '../../src/recorder/recorder.ts';
import { newSigningKey } from '../../src/recorder/signer.ts';
import { machineAlgorithms, serverAlgorithms } from '../../src/ssh/algorithms.ts';
import { generateHostKey, loadHostKey } from '../../src/ssh/host-key.ts';
import type { ServerLimits } from '../../src/ssh/server.ts';
import { openCounters } from '../../src/store/counters.ts';
import { SshTargets } from '../../src/targets/ssh-target.ts';
import { ThreadedObserver } from '../../src/transfer/observer.ts';
import { Attacker } from '../ssh/raw-peer.ts';
import { grant, machine, user } from '../store/examples.ts';
import { testAuthority } from '../support/certificate-authority.ts';
import { testStore } from '../support/database.ts';
import { eventually, within } from '../support/eventually.ts';
import { ownGuesses } from '../support/guesses.ts';
import { testJumpKeys } from '../support/jump-keys.ts';
import { scratch } from '../support/scratch.ts';
import { newClient, type SshClient } from '../support/ssh-client.ts';
import type { TestSshd } from '../support/sshd.ts';

const CIPHERS = { ciphers: ['aes128-gcm@openssh.com', 'aes256-ctr'], failed: [] };

/** A machine of ours, on 127.0.0.1. */
export type MachineHere = Partial<NewMachine> & { readonly name: string; readonly port: number };

/**
 * Gateway, control plane, store, recorder, as `serve` puts them together, in this process. `alice`
 * has a key; what she may reach is what a test gives her.
 */
export interface ProxyStage extends AsyncDisposable {
  readonly store: Store;
  readonly counters: Counters;
  readonly control: LocalControlPlane;
  readonly gateway: SshGateway;
  readonly port: number;
  /** The directory of recordings. */
  readonly recordings: string;
  readonly alice: SshClient;
  readonly userId: number;
  /** The private key that alice signs with, as text. */
  readonly aliceKey: string;
  /** How many machines were dialled. */
  readonly dials: () => number;
  /** All log lines so far, at level debug. */
  readonly log: () => string;
  /** A machine, and a grant on it to alice unless `allow` is null. */
  add(
    machine: MachineHere,
    allow?: Partial<NewGrant> | null,
  ): Promise<{ readonly machine: Machine; readonly grantId: number }>;
  /** The store's machine for this sshd. */
  addSshd(name: string, sshd: TestSshd, more?: Partial<NewMachine>): Promise<Machine>;
  /** An SSH connection of alice to `alice+NAME`, through ssh2's client. */
  connect(destination: string, more?: ConnectConfig): Promise<Client>;
  /** The same, by hand: see raw-peer.ts. */
  attack(destination: string): Promise<Attacker>;
  /** The newest session, once it is there. */
  session(): Promise<Session>;
  /** The newest session, once it has ended and everything about it is written. */
  ended(id?: number): Promise<Session>;
  audit(sessionId?: number): Promise<readonly AuditEvent[]>;
}

export interface ProxyStageOptions {
  readonly limits?: Partial<ServerLimits>;
  readonly mostOfOneUser?: number;
  readonly connector?: (real: TargetConnector) => TargetConnector;
  readonly control?: (real: LocalControlPlane) => LocalControlPlane;
}

function memory() {
  const chunks: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk.toString());
      done();
    },
  });
  return { stream, text: () => chunks.join('') };
}

/** Counts the dials of what it stands before. */
class CountedConnector implements TargetConnector {
  dials = 0;
  readonly #real: TargetConnector;

  constructor(real: TargetConnector) {
    this.#real = real;
  }

  connect: TargetConnector['connect'] = (...asked) => {
    this.dials += 1;
    return this.#real.connect(...asked);
  };
}

export async function openProxyStage(options: ProxyStageOptions = {}): Promise<ProxyStage> {
  await using opened = new AsyncDisposableStack();
  const { store } = opened.use(await testStore('embedded'));
  const files = opened.use(scratch());
  const lines = memory();
  const log = createLogger({ level: 'debug', format: 'json', stream: lines.stream });
  const counters = await openCounters({ redisUrl: null, truth: store.counts, shared: false, log });
  const control = new LocalControlPlane({
    guesses: ownGuesses(),
    stores: store,
    counters,
    passwords: new ScryptPasswords(),
    node: 'node-a',
    bastionKey: generateHostKey().privatePem,
    certificates: testAuthority(),
    jumpKeys: testJumpKeys(),
    log,
  });
  opened.defer(() => control.close(5000));
  const recorder = await openRecorder({
    root: files.join('recordings'),
    sealingKey: newSigningKey(),
    log,
  });
  opened.defer(() => recorder.close());
  const observer = new ThreadedObserver({ log });
  opened.defer(() => observer.close());
  const given = options.control?.(control) ?? control;
  const targets = new SshTargets({
    control: given,
    algorithms: machineAlgorithms(CIPHERS),
    log,
  });
  const connector = new CountedConnector(options.connector?.(targets) ?? targets);
  const gateway = new SshGateway({
    control: given,
    connector,
    recorder,
    observer,
    log,
    hostKey: loadHostKey(generateHostKey().privatePem),
    algorithms: serverAlgorithms(CIPHERS),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    ...(options.mostOfOneUser === undefined ? {} : { mostOfOneUser: options.mostOfOneUser }),
  });
  opened.defer(() => gateway.drain());
  const { port } = await gateway.listen('127.0.0.1', 0);
  const alice = opened.use(await newClient(() => ({ host: '127.0.0.1', port })));
  const account = await store.users.create(user({ name: 'alice' }));
  const key = parsePublicKey(alice.publicKey);
  if ('problem' in key) throw new Error(key.problem);
  await store.users.addKey(account.id, key);
  const aliceKey = readFileSync(alice.identity, 'utf8');
  const clients = new Set<Client>();
  opened.defer(() => {
    for (const client of clients) client.destroy();
  });
  const stack = opened.move();

  const stage: ProxyStage = {
    store,
    counters,
    control,
    gateway,
    port,
    recordings: files.join('recordings'),
    alice,
    userId: account.id,
    aliceKey,
    dials: () => connector.dials,
    log: () => lines.text(),
    async add({ port: at, ...more }, allow = {}) {
      const made = await store.machines.create({
        ...machine({ name: more.name }),
        host: '127.0.0.1',
        port: at,
        login: 'root',
        credential: { type: 'password', password: new Secret('secret') },
        ...more,
      });
      if (allow === null) return { machine: made, grantId: 0 };
      const given = await store.grants.create(
        grant({
          to: { userId: account.id },
          on: { machineId: made.id },
          allow: ['shell', 'exec', 'sftp'],
          ...allow,
        }),
      );
      return { machine: made, grantId: given.id };
    },
    async addSshd(name, sshd, more = {}) {
      const made = await stage.add({
        name,
        port: sshd.port,
        login: sshd.login,
        hostKey: sshd.hostKeyLine,
        credential: { type: 'key', privateKey: new Secret(readFileSync(sshd.keyFile, 'utf8')) },
        ...more,
      });
      return made.machine;
    },
    async connect(destination, more = {}) {
      const client = new ssh2.Client();
      clients.add(client);
      const ready = new Promise<void>((resolve, reject) => {
        client.once('ready', resolve);
        client.on('error', reject);
      });
      client.connect({
        host: '127.0.0.1',
        port,
        username: destination,
        privateKey: aliceKey,
        ...more,
      });
      await within('a connection', ready);
      return client;
    },
    attack: (destination) => Attacker.ready(port, { username: destination, privateKey: aliceKey }),
    session: () =>
      eventually('a session', async () => {
        const page = await store.sessions.list({ statuses: null }, { limit: 1 });
        return page.rows[0];
      }),
    ended: (id) =>
      eventually('the end of a session', async () => {
        const session = id === undefined ? await stage.session() : await store.sessions.get(id);
        return session?.endedAt == null ? null : session;
      }),
    async audit(sessionId) {
      const filter = sessionId === undefined ? {} : { sessionId };
      const page = await store.audit.list(filter, { limit: 100 });
      return [...page.rows].reverse();
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
  return stage;
}

/** What a client sees of one program. */
export interface Seen {
  readonly out: Buffer;
  readonly err: string;
  /** Null: none was said. */
  readonly code: number | null;
  readonly signal: string | null;
}

/** Reads a channel to its end. */
export function seen(channel: ClientChannel): Promise<Seen> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  let code: number | null = null;
  let signal: string | null = null;
  channel.on('data', (chunk: Buffer) => out.push(chunk));
  channel.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  channel.on('exit', (status: number | null, name?: string) => {
    code = status;
    signal = name ?? null;
  });
  const closed = new Promise<Seen>((resolve) => {
    channel.once('close', () =>
      resolve({ out: Buffer.concat(out), err: Buffer.concat(err).toString(), code, signal }),
    );
  });
  return within('the end of a channel', closed, 15_000);
}

/** Starts a command; rejects when the channel or the request is refused. */
export function exec(
  client: Client,
  command: string,
  options: ssh2.ExecOptions = {},
): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.exec(command, options, (error, channel) => (error ? reject(error) : resolve(channel)));
  });
}

/** Runs a command to its end; reads from the first packet on, which may be the last. */
export function runOn(client: Client, command: string): Promise<Seen> {
  return new Promise((resolve, reject) => {
    client.exec(command, (error, channel) => {
      if (error) reject(error);
      else seen(channel).then(resolve, reject);
    });
  });
}
