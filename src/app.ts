import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { getConnInfo } from '@hono/node-server/conninfo';
import { type Addresses, noAddresses, publicSsh } from './addresses.ts';
import { consoleActions } from './api/for-console.ts';
import { listenHttp } from './api/listen.ts';
import { createApi } from './api/server.ts';
import { TerminalRoom } from './api/terminal-room.ts';
import { openAuditing } from './auditing.ts';
import type { RunningApp, StartApp } from './cli/running-app.ts';
import { readVersion } from './cli/version.ts';
import { Closers } from './closers.ts';
import type { Config } from './config/load.ts';
import { openContainerSessions } from './container-sessions.ts';
import { adminTokenFile, ensureAdminToken } from './control/admin-token.ts';
import { StoreSetupApplier } from './control/apply.ts';
import { BrokenRecordings } from './control/broken-recordings.ts';
import { LocalControlPlane } from './control/control-plane.ts';
import { JumpKeys, newJumpSecret } from './control/jump-keys.ts';
import { keptFile } from './control/kept-file.ts';
import { plainAddress } from './control/network.ts';
import { ScryptPasswords } from './control/password.ts';
import { parsePublicKey } from './control/public-key.ts';
import { recover } from './control/recovery.ts';
import { RetentionSweep } from './control/retention.ts';
import { loadSecretKeys, serverKeys } from './control/secret-key.ts';
import { SessionFeed } from './control/session-feed.ts';
import { openCounting } from './counting.ts';
import { claimDataDir, type DemoParts, openDemo, openDemoMachine } from './demo.ts';
import type { CertificateAuthority } from './domain/certificate-authority.ts';
import type { Counters } from './domain/counters.ts';
import type { GuessLimit } from './domain/guess-limit.ts';
import type { Logger } from './domain/log.ts';
import type { Passwords } from './domain/password.ts';
import type { SinkState } from './domain/seal-sink.ts';
import type { Store } from './domain/store.ts';
import { type OpenedGateway, openGatewayAnywhere } from './gateway-place.ts';
import { endEarlierWorkers } from './ipc/worker-marks.ts';
import { type KeptRecordings, openKeptRecordings } from './kept-recordings.ts';
import { listening } from './listening.ts';
import { LiveThread } from './live/live.ts';
import { openMetrics } from './metrics.ts';
import { type Nodes, openNodes } from './nodes.ts';
import { openReading, type Reading } from './reading.ts';
import { SpaceWatch } from './recorder/space.ts';
import { openSealSinks } from './seal-sinks.ts';
import { openSealing, type Sealing } from './sealing.ts';
import { testCiphers } from './ssh/algorithms.ts';
import { KeyCertificateAuthority, KeyHostAuthority } from './ssh/certificate-signing.ts';
import { generateHostKey, loadHostKey } from './ssh/host-key.ts';
import { installGuards, nativeCryptoLoaded } from './ssh/library.ts';
import { openStackContainers, type StackContainers } from './stack-containers.ts';
import { lockDataDir } from './store/data-dir-lock.ts';
import { openStore } from './store/database.ts';
import { createConsole } from './web/console.ts';
import { welcome } from './welcome.ts';

/** How long facts may wait for the database when the server stops, in milliseconds. */
const LAST_FACTS_MS = 5000;

const NO_NATIVE_CRYPTO =
  "ssh2's native crypto is not loaded, so SSH runs about ten times slower: apt-get install build-essential python3, then npm ci";

const UNFINISHED_ROTATION =
  'secret-key.new is in the data directory: stop, and finish with postern secret-key rotate; or, after that, set POSTERN_SECRET_KEY to it';

/** The control plane: people, machines, sessions, over the database and the counters. */
interface Control extends StackContainers {
  readonly store: Store;
  readonly counters: Counters;
  readonly passwords: Passwords;
  readonly guesses: GuessLimit;
  readonly setup: StoreSetupApplier;
  readonly plane: LocalControlPlane;
  readonly certificates: CertificateAuthority;
  readonly nodes: Nodes;
  readonly jumpKeys: JumpKeys;
  readonly node: string;
  readonly reading: Reading;
  readonly sealSinks: () => readonly SinkState[];
  readonly kept: KeptRecordings;
}

async function openControl(
  config: Config,
  addresses: Addresses,
  sealing: Sealing,
  log: Logger,
  closers: Closers,
): Promise<Control> {
  const node = keptFile(join(config.dataDir, 'node-id'), () => `${randomUUID()}\n`).trim();
  const nodes = await openNodes(config, node, log, closers);
  // Not before directory and name are taken: until then a change of the key may begin, and end.
  const keys = loadSecretKeys(config.secretKey, config.dataDir);
  if (keys.next !== null) log.warn(UNFINISHED_ROTATION);
  const store = await openStore({
    databaseUrl: config.databaseUrl?.expose() ?? null,
    dataDir: config.dataDir,
    ...serverKeys(keys),
    migrate: true,
    log,
  });
  closers.add('the database', () => store.close());
  const counting = await openCounting(config, store, log, closers);
  await endEarlierWorkers(config.dataDir, log);
  // Before anything is sealed, and until everything is.
  const sealSinks = await openSealSinks(config, node, store.sealFeed, log, closers);
  await store.seals.addKey(sealing.publicKey);
  const parts = { sealing, seals: store.seals, log };
  const recordings = await openKeptRecordings(config, keys, parts);
  await recover(node, { store, ...counting, ...recordings, log });
  await ensureAdminToken(store, node, config.dataDir, config.adminToken?.expose() ?? null);
  const passwords = new ScryptPasswords();
  const kept = (name: string) =>
    keptFile(join(config.dataDir, name), () => generateHostKey().privatePem);
  const certificates = new KeyCertificateAuthority(kept('user_ca_ed25519_key'));
  const jumpKeys = new JumpKeys(
    keptFile(join(config.dataDir, 'jump_host_keys'), newJumpSecret),
    new KeyHostAuthority(kept('host_ca_ed25519_key')),
  );
  const broken = new BrokenRecordings({ store, ...recordings, node, log });
  closers.begin('sealing broken recordings', broken);
  const publicUrl = () => addresses.url;
  const read = { store, ...recordings, node, publicUrl, log };
  const reading = await openReading(config, read, closers);
  const stacks = openStackContainers(config, { store, changes: nodes.changes, node, log }, closers);
  const noted = { audit: store.audit, changes: nodes.changes, node, version: readVersion(), log };
  await openAuditing(noted, closers);
  const plane = new LocalControlPlane({
    stores: store,
    running: stacks.running,
    recordingEnded: reading.recordingEnded,
    dataKeys: recordings.dataKeys,
    ...counting,
    passwords,
    node,
    bastionKey: kept('bastion_key'),
    certificates,
    jumpKeys,
    approvals: { timeoutMs: config.approvalTimeout, publicUrl },
    log,
  });
  closers.add('what waits for the database', () => plane.close(LAST_FACTS_MS));
  const setup = new StoreSetupApplier({ store, passwords });
  return {
    ...{ store, ...counting, passwords, plane, certificates, jumpKeys, setup, nodes, node },
    ...{ reading, sealSinks, kept: recordings, ...stacks },
  };
}

async function openHttp(
  config: Config,
  control: Control,
  { loads, terminals, ...bastion }: Pick<OpenedGateway, 'gateway' | 'terminals' | 'loads'>,
  addresses: Addresses,
  log: Logger,
  closers: Closers,
): Promise<string> {
  const { changes } = control.nodes;
  const held = openContainerSessions(config, { ...control, ...bastion, changes, log }, closers);
  control.reading.alertsEndBy(held.gateway);
  // The gateway has its own, and logs.
  const space = await SpaceWatch.open({
    root: config.recordings,
    least: config.minFree,
    log: null,
  });
  const library = control.reading.recordings;
  const retention = new RetentionSweep({
    ...{ store: control.store, node: control.node, library, log, clock: () => new Date() },
    retention: { age: config.retention, size: config.retentionSize },
  });
  closers.begin('deleting old recordings', retention);
  const { keys } = control.kept.crypto;
  const { rules } = control.reading;
  const live = new LiveThread({ root: config.recordings, rules, keys }, log);
  closers.add('following recordings', () => live.close());
  const events = new SessionFeed({ sessions: control.store.sessions, changes, log });
  closers.add('events of sessions', () => events.close());
  const deps = {
    ...control,
    ...{ live, events, changes },
    ...{ ...held, terminals },
    room: new TerminalRoom(terminals, log),
    ...control.reading,
    retention,
    space: () => space.state,
    ...openMetrics(
      config,
      { version: readVersion(), control, loads, space: () => space.state },
      closers,
    ),
    parsePublicKey,
    log,
    version: readVersion(),
    publicUrl: () => addresses.url,
    requestsPerMinute: config.apiRate,
    publicSsh: () => addresses.ssh,
    clock: () => new Date(),
    jumpHostKey: (id: number) => control.jumpKeys.of(id).publicLine,
    hostAuthority: control.jumpKeys.authority,
    clientAddress: (context: Parameters<typeof getConnInfo>[0]) =>
      plainAddress(getConnInfo(context).remote.address ?? ''),
  };
  closers.add('watching the room for recordings', () => space.close());
  const app = createApi(deps);
  app.route(
    '/',
    createConsole({ ...deps, factors: control.plane.factors, ...consoleActions(deps) }),
  );
  const http = await listening('POSTERN_HTTP_LISTEN', config.httpListen, () =>
    listenHttp({ fetch: app.fetch, ...config.httpListen }),
  );
  closers.add('HTTP', () => http.close());
  // Before it, so that their users are told why.
  closers.add('terminals in browsers', () => deps.room.close());
  return `http://${http.host.includes(':') ? `[${http.host}]` : http.host}:${http.port}`;
}

/** Opens everything in order, and closes what was opened when something does not open. */
export const startApp: StartApp = async (config, { demo, log }) => {
  const closers = new Closers(log);
  try {
    return await open(config, demo, log, closers);
  } catch (error) {
    await closers.close();
    throw error;
  }
};

async function open(
  config: Config,
  demo: boolean,
  log: Logger,
  closers: Closers,
): Promise<RunningApp> {
  installGuards();
  claimDataDir(config.dataDir, demo);
  // Also with a server: a process that is stopped for longer than its name is kept goes on writing its
  // recordings when it is woken.
  const lock = await lockDataDir(config.dataDir, log);
  closers.add('the data directory', () => lock.release());
  const native = nativeCryptoLoaded();
  if (!native) log.warn(NO_NATIVE_CRYPTO);
  const working = await testCiphers();
  for (const cipher of working.failed) log.info('a cipher does not work here', { cipher });
  const { dataDir, recordings, minFree, engineCerts, kubeconfig } = config;
  const sealing = openSealing(dataDir, recordings, log);
  const addresses = noAddresses();
  const control = await openControl(config, addresses, sealing, log, closers);
  const { plane, nodes, kept } = control;
  // Before the gateway, so that it goes after it: its users' sessions are to end as drained.
  const machine = demo ? await openDemoMachine(config, working, log, closers) : null;
  const privateKey = keptFile(
    join(config.dataDir, 'ssh_host_ed25519_key'),
    () => generateHostKey().privatePem,
  );
  const hostKey = loadHostKey(privateKey);
  const keys = { sealingKey: sealing.privatePem, encryption: kept.crypto.encryption };
  const manners = { clients: config.sshClients, keyLife: config.sshRekey };
  const disk = { dataDir, recordings, minFree, engineCerts, kubeconfig };
  const parts = { plane, privateKey, working, manners, ...disk, ...keys, log };
  const { gateway, terminals, loads, ssh, failed } = await listening(
    'POSTERN_SSH_LISTEN',
    config.sshListen,
    () => openGatewayAnywhere(config, parts, kept.repair, closers),
  );
  addresses.ssh = publicSsh(config, ssh);
  closers.add('watching over access', plane.keepAccess(gateway, nodes.changes));
  const all = { gateway: nodes.join(gateway, () => plane.held, control), terminals, loads };
  const url = await openHttp(config, control, all, addresses, log, closers);
  addresses.url = config.publicUrl ?? url;
  const bastion = { ...ssh, hostKeyLine: hostKey.publicLine };
  const demoParts: DemoParts | null =
    machine === null ? null : await openDemo(config, control, machine, bastion);
  const { description: database } = control.store;
  log.info('ready', { ssh: `${ssh.host}:${ssh.port}`, http: url, database });
  let draining: Promise<void> | null = null;
  return {
    failed: Promise.race([failed, nodes.failed]),
    ready: {
      ssh,
      http: { url },
      pid: process.pid,
      admin_token_file: adminTokenFile(config.dataDir),
    },
    welcome: welcome({
      addresses,
      dataDir: config.dataDir,
      demo: demoParts,
      notes: native ? [] : [NO_NATIVE_CRYPTO],
      database,
    }),
    drain(reason) {
      if (draining === null) log.info('stopping', { reason });
      draining ??= closers.close();
      return draining;
    },
  };
}
