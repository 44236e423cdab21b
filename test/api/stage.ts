import { checkPattern } from '../../src/alerts/watch.ts';
import type { ApiDeps } from '../../src/api/deps.ts';
import { createApi } from '../../src/api/server.ts';
import { TerminalRoom } from '../../src/api/terminal-room.ts';
import { BUILTIN_RULES, openRedaction } from '../../src/app/redaction.ts';
import { StoreSetupApplier } from '../../src/control/apply.ts';
import { BackgroundContainerSessions } from '../../src/control/container-sessions.ts';
import { ScryptPasswords } from '../../src/control/password.ts';
import { parsePublicKey } from '../../src/control/public-key.ts';
import { RetentionSweep } from '../../src/control/retention.ts';
import { ServiceContainers } from '../../src/control/service-containers.ts';
import { SessionFeed } from '../../src/control/session-feed.ts';
import { StackServices } from '../../src/control/stack-services.ts';
import { WaitingGateway } from '../../src/control/waiting-gateway.ts';
import { hashBearer, newBearer } from '../../src/domain/bearer.ts';
import { LocalChanges } from '../../src/domain/changes.ts';
import type { Gateway } from '../../src/domain/control-plane.ts';
import type { LogFields, Logger } from '../../src/domain/log.ts';
import type { Machine } from '../../src/domain/machine.ts';
import { Meters } from '../../src/domain/meters.ts';
import { NO_KEYS } from '../../src/domain/recording-keys.ts';
import type { Role, Scope } from '../../src/domain/role.ts';
import type { NewSession, Session } from '../../src/domain/session.ts';
import type { Store } from '../../src/domain/store.ts';
import type { User } from '../../src/domain/user.ts';
import { Engines } from '../../src/engine/engine.ts';
import { LiveThread } from '../../src/live/live.ts';
import { openLibrary } from '../../src/recorder/library.ts';
import { openRecorder } from '../../src/recorder/recorder.ts';
import { newSigningKey, Signer } from '../../src/recorder/signer.ts';
import { FileReplays } from '../../src/replay/replays.ts';
import { openCounters } from '../../src/store/counters.ts';
import * as example from '../store/examples.ts';
import { testAuthority } from '../support/certificate-authority.ts';
import { type DatabaseKind, testStore } from '../support/database.ts';
import { scratch } from '../support/scratch.ts';
import { TestTerminals } from './test-terminals.ts';

/** Notes what was asked and does as told: the real one lives in another room. */
class TestGateway implements Gateway {
  readonly asked: { id: number; reason: string; by: string }[] = [];
  readonly count = 0;
  /** What the next `terminate` does. */
  next: 'end' | 'silence' | 'not here' = 'end';
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  renew(): Promise<boolean> {
    return Promise.resolve(false);
  }

  async terminate(id: number, reason: 'terminated', by: string): Promise<boolean> {
    this.asked.push({ id, reason, by });
    if (this.next === 'silence') return new Promise<boolean>(() => undefined);
    if (this.next === 'not here') return false;
    const end = { endedAt: new Date(), reason, bytesIn: 1, bytesOut: 2 };
    return this.#store.sessions.end(id, end);
  }
}

/** Keeps every line, for tests of what must not be in one. */
class KeptLog implements Logger {
  readonly lines: string[] = [];
  debug = (message: string, fields?: LogFields) => this.#keep(message, fields);
  info = (message: string, fields?: LogFields) => this.#keep(message, fields);
  warn = (message: string, fields?: LogFields) => this.#keep(message, fields);
  error = (message: string, fields?: LogFields) => this.#keep(message, fields);
  child = () => this;

  #keep(message: string, fields?: LogFields): void {
    this.lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
}

type Stage = Awaited<ReturnType<typeof openStage>>;

export type { Stage };

/** The API over a real store and real recordings, with a machine and people to try it with. */
export async function openStage(kind: DatabaseKind = 'embedded') {
  const { store, place } = await testStore(kind);
  const files = scratch();
  const log = new KeptLog();
  const counters = await openCounters({ redisUrl: null, truth: store.counts, shared: false, log });
  const sealingKey = newSigningKey();
  await store.seals.addKey(new Signer(sealingKey).public);
  const recorder = await openRecorder({ root: files.path, sealingKey, log });
  const gateway = new TestGateway(store);
  const passwords = new ScryptPasswords();
  const library = openLibrary(files.path);
  const retention = new RetentionSweep({
    ...{ store, library, log, node: 'node-a', clock: () => new Date() },
    retention: { age: 0, size: 0 },
  });
  const worker = new URL('../../src/app/replay-worker.ts', import.meta.url);
  const redaction = openRedaction(
    library,
    { root: files.path, keys: NO_KEYS, rules: BUILTIN_RULES },
    log,
  );
  const common = { library, root: files.path, worker, log };
  const replays = new FileReplays({ ...common, shown: null });
  const shown = { rules: BUILTIN_RULES, redaction };
  const redactedReplays = new FileReplays({ ...common, shown });
  const live = new LiveThread({ root: files.path, rules: BUILTIN_RULES }, log);
  const changes = new LocalChanges();
  const terminals = new TestTerminals(store);
  const events = new SessionFeed({ sessions: store.sessions, changes, log });
  const services = new StackServices(new Engines({ certificates: null }));
  // What a test engine lists cannot be entered.
  const containers = new ServiceContainers(services, () => Promise.resolve());
  const meters = new Meters();
  const containerSessions = new BackgroundContainerSessions({
    ...{ store, counters, meters, gateway, node: 'node-a', log, waitMs: 600_000 },
    containers,
  });
  containerSessions.begin(changes);
  const deps: ApiDeps = {
    store,
    counters,
    gateway: new WaitingGateway(gateway, containerSessions),
    containerSessions,
    services,
    terminals,
    room: new TerminalRoom(terminals, log),
    events,
    recordings: library,
    replays,
    redactedReplays,
    redaction,
    space: () => 'up',
    sealSinks: () => [],
    archive: () => 'off',
    meters,
    metrics: () => Promise.resolve(meters.metrics),
    openMetrics: false,
    retention,
    live,
    node: 'node-a',
    checkAlertPattern: checkPattern,
    passwords,
    parsePublicKey,
    setup: new StoreSetupApplier({ store, passwords }),
    certificates: testAuthority(),
    changes,
    log,
    version: '9.9.9',
    publicUrl: () => 'http://127.0.0.1:8080',
    jumpHostKey: (id) => `ssh-ed25519 KEY${id}`,
    hostAuthority: { publicLine: 'ssh-ed25519 HOSTS', fingerprint: 'SHA256:hosts' },
    publicSsh: () => ({ host: '127.0.0.1', port: 2222 }),
    clock: () => new Date(),
    clientAddress: () => '192.0.2.1',
    requestsPerMinute: 100_000,
    terminateTimeoutMs: 2000,
  };
  const api = createApi(deps);
  const close = async (): Promise<void> => {
    await containerSessions.close();
    await events.close();
    await replays.close();
    await redactedReplays.close();
    await redaction.close();
    await live.close();
    await recorder.close();
    await counters.close();
    await store.close();
    await place[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  };
  return {
    api,
    deps,
    containers,
    store,
    place,
    gateway,
    log,
    recorder,
    recordings: files.path,
    counters,
    close,
  };
}

/** Another API over the same store, with other settings. */
export function anotherApi(stage: Stage, change: Partial<ApiDeps>): Stage {
  return { ...stage, api: createApi({ ...stage.deps, ...change }) };
}

export async function call(
  stage: Pick<Stage, 'api'>,
  method: string,
  path: string,
  options: { token?: string | null; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const headers = new Headers(options.headers);
  if (typeof options.token === 'string') headers.set('authorization', `Bearer ${options.token}`);
  const hasBody = options.body !== undefined;
  if (hasBody && !headers.has('content-type')) headers.set('content-type', 'application/json');
  const text = typeof options.body === 'string' ? options.body : JSON.stringify(options.body);
  const init = { method, headers, ...(hasBody ? { body: text } : {}) };
  const response = await stage.api.request(path, init);
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  const body: unknown = isJson ? await response.json() : await response.text();
  return { status: response.status, headers: response.headers, body };
}

export async function tokenFor(
  stage: Pick<Stage, 'store'>,
  user: User | null,
  scopes: readonly Scope[],
  expiresAt: Date | null = null,
): Promise<string> {
  const secret = newBearer();
  const hash = await hashBearer(secret);
  const userId = user?.id ?? null;
  await stage.store.tokens.create({ userId, kind: 'api', name: 't', scopes, expiresAt, hash });
  return secret;
}

export function addUser(
  stage: Pick<Stage, 'store'>,
  name: string,
  role: Role = 'member',
): Promise<User> {
  return stage.store.users.create(example.user({ name, role, email: `${name}@example.org` }));
}

export function addMachine(stage: Pick<Stage, 'store'>, name: string): Promise<Machine> {
  return stage.store.machines.create(example.machine({ name, tags: { env: 'prod' } }));
}

export function addSession(
  stage: Pick<Stage, 'store'>,
  user: User,
  machine: Machine,
  change: Partial<NewSession> = {},
): Promise<Session> {
  return stage.store.sessions.create(
    example.session({
      userId: user.id,
      userName: user.name,
      machineId: machine.id,
      machineName: machine.name,
      startedAt: new Date(),
      ...change,
    }),
  );
}

/** Opens a channel with a real recording of `outputs`; ends the recording unless it is to go on. */
export async function addRecording(
  stage: Pick<Stage, 'store' | 'recorder'>,
  session: Session,
  channel: number,
  options: { command?: string; outputs: readonly string[]; pty?: boolean },
) {
  const { sessions } = stage.store;
  const startedAt = session.startedAt;
  const command = options.command ?? null;
  const window = { cols: 80, rows: 24, width: 0, height: 0 };
  const pty = options.pty === false ? null : { term: 'xterm', window, modes: new Uint8Array() };
  await sessions.openChannel({
    sessionId: session.id,
    number: channel,
    kind: command === null ? 'shell' : 'exec',
    command,
    pty: pty !== null,
    startedAt,
  });
  const recording = await stage.recorder.start({
    sessionId: session.id,
    channel,
    startedAt,
    pty,
    command,
    title: 'a title',
  });
  const { key } = recording;
  await sessions.openRecording({ sessionId: session.id, channel, key, startedAt });
  for (const output of options.outputs) recording.output(Buffer.from(output));
  const receipt = await recording.end({ type: 'code', code: 0 });
  await sessions.closeRecording(session.id, channel, 'complete', receipt, new Date());
  return receipt;
}
