import { readFileSync } from 'node:fs';
import { openSealing } from '../../src/app/sealing.ts';
import { LocalControlPlane } from '../../src/control/control-plane.ts';
import { ScryptPasswords } from '../../src/control/password.ts';
import { parsePublicKey } from '../../src/control/public-key.ts';
import type { Counters } from '../../src/domain/counters.ts';
import { Secret } from '../../src/domain/secret.ts';
import type { Session } from '../../src/domain/session.ts';
import type { Store } from '../../src/domain/store.ts';
import { startWorkers, type Workers, type WorkersOptions } from '../../src/ipc/workers.ts';
import { generateHostKey } from '../../src/ssh/host-key.ts';
import { openCounters } from '../../src/store/counters.ts';
import { grant, machine, user } from '../store/examples.ts';
import { testAuthority } from '../support/certificate-authority.ts';
import { testStore } from '../support/database.ts';
import { plainEnvironment } from '../support/environment.ts';
import { eventually } from '../support/eventually.ts';
import { ownGuesses } from '../support/guesses.ts';
import { testJumpKeys } from '../support/jump-keys.ts';
import { kill, running } from '../support/processes.ts';
import { scratch } from '../support/scratch.ts';
import { newClient, type SshClient } from '../support/ssh-client.ts';
import { startSshd, type TestSshd } from '../support/sshd.ts';
import { type KeptLog, keptLog } from './kept-log.ts';

/** The control plane in this process, real workers beside it, and a machine behind them. */
export interface WorkerStage extends AsyncDisposable {
  readonly store: Store;
  readonly counters: Counters;
  readonly plane: LocalControlPlane;
  readonly sshd: TestSshd;
  /** Reaches `web1`, through the workers that were started last. */
  readonly alice: SshClient;
  readonly kept: KeptLog;
  readonly options: WorkersOptions;
  /** Workers; drained, and looked for, at the end of the test. */
  start(change?: Partial<WorkersOptions>): Promise<StartedWorkers>;
  /** The newest session. */
  session(): Promise<Session | null>;
}

export interface StartedWorkers extends AsyncDisposable {
  readonly workers: Workers;
  /** Why the server was told to stop. */
  readonly lost: readonly string[];
}

async function addMachine(store: Store, sshd: TestSshd, userId: number): Promise<void> {
  const privateKey = new Secret(readFileSync(sshd.keyFile, 'utf8'));
  const { id } = await store.machines.create({
    ...machine({ name: 'web1', credential: { type: 'key', privateKey } }),
    host: sshd.host,
    port: sshd.port,
    login: sshd.login,
    hostKey: sshd.hostKeyLine,
  });
  await store.grants.create(
    grant({ to: { userId }, on: { machineId: id }, allow: ['shell', 'exec'] }),
  );
}

async function addAlice(store: Store, alice: SshClient): Promise<number> {
  const key = parsePublicKey(alice.publicKey);
  if ('problem' in key) throw new Error(key.problem);
  const { id } = await store.users.create(user({ name: 'alice' }));
  await store.users.addKey(id, key);
  return id;
}

export async function openWorkerStage(): Promise<WorkerStage> {
  await using opened = new AsyncDisposableStack();
  const { store } = opened.use(await testStore('embedded'));
  const files = opened.use(scratch());
  const sshd = opened.use(await startSshd());
  const kept = keptLog();
  const { log } = kept;
  const counters = await openCounters({ redisUrl: null, truth: store.counts, shared: false, log });
  opened.defer(() => counters.close());
  const plane = new LocalControlPlane({
    guesses: ownGuesses(),
    stores: store,
    counters,
    passwords: new ScryptPasswords(),
    node: 'node-a',
    bastionKey: 'no key',
    certificates: testAuthority(),
    jumpKeys: testJumpKeys(),
    log,
  });
  opened.defer(() => plane.close(5000));
  let address = { host: '127.0.0.1', port: 0 };
  const alice = opened.use(await newClient(() => address));
  await addMachine(store, sshd, await addAlice(store, alice));
  const recordings = files.join('recordings');
  const sealing = openSealing(files.path, recordings, log);
  const options: WorkersOptions = {
    count: 1,
    entry: new URL('../../src/app/gateway-process.ts', import.meta.url),
    env: plainEnvironment(),
    settings: {
      listen: address,
      hostKey: generateHostKey().privatePem,
      working: { ciphers: ['aes128-gcm@openssh.com', 'aes256-ctr'], failed: [] },
      manners: { clients: 'modern', keyLife: { rekeyBytes: 2 ** 30, rekeyMs: 3_600_000 } },
      dataDir: files.path,
      engineCerts: null,
      kubeconfig: null,
      recordings,
      minFree: 0,
      sealingKey: sealing.privatePem,
      encryption: null,
      log: { level: 'error', format: 'json' },
    },
    plane,
    repair: sealing.repairer(store.seals),
    log,
    onLost: () => undefined,
  };
  const stack = opened.move();
  return {
    store,
    counters,
    plane,
    sshd,
    alice,
    kept,
    options,
    async start(change = {}) {
      const lost: string[] = [];
      const onLost = (reason: string): void => void lost.push(reason);
      const workers = await startWorkers({ ...options, onLost, ...change });
      address = { ...workers.address };
      return { workers, lost, [Symbol.asyncDispose]: () => drained(workers) };
    },
    session: async () =>
      (await store.sessions.list({ statuses: null }, { limit: 1 })).rows[0] ?? null,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function drained(workers: Workers): Promise<void> {
  const { pids } = workers;
  try {
    await workers.drain();
    await eventually('no worker is left', () => pids.every((pid) => !running(pid)));
  } finally {
    for (const pid of pids) kill(pid, 'SIGKILL');
  }
}
