import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { getConnInfo } from '@hono/node-server/conninfo';
import { consoleActions } from './api/for-console.ts';
import { listenHttp } from './api/listen.ts';
import { createApi } from './api/server.ts';
import type { RunningApp, StartApp } from './cli/running-app.ts';
import { Closers } from './closers.ts';
import type { Config } from './config/load.ts';
import { adminTokenFile, ensureAdminToken } from './control/admin-token.ts';
import { StoreSetupApplier } from './control/apply.ts';
import { LocalControlPlane } from './control/control-plane.ts';
import { keptFile } from './control/kept-file.ts';
import { plainAddress } from './control/network.ts';
import { ScryptPasswords } from './control/password.ts';
import { parsePublicKey } from './control/public-key.ts';
import { recover } from './control/recovery.ts';
import { loadSecretKey } from './control/secret-key.ts';
import { claimDataDir, type DemoParts, openDemo, openDemoMachine } from './demo.ts';
import type { Counters } from './domain/counters.ts';
import type { Logger } from './domain/log.ts';
import type { Passwords } from './domain/password.ts';
import type { Store } from './domain/store.ts';
import { SshGateway } from './proxy/gateway.ts';
import { openLibrary } from './recorder/library.ts';
import { openRecorder } from './recorder/recorder.ts';
import { repairRecording } from './recorder/repair.ts';
import {
  clientAlgorithms,
  serverAlgorithms,
  testCiphers,
  type WorkingAlgorithms,
} from './ssh/algorithms.ts';
import { generateHostKey, type HostKey, loadHostKey } from './ssh/host-key.ts';
import { installGuards, nativeCryptoLoaded } from './ssh/library.ts';
import { openCounters } from './store/counters.ts';
import { openStore } from './store/database.ts';
import { SshTargets } from './targets/ssh-target.ts';
import { createConsole } from './web/console.ts';
import { welcome } from './welcome.ts';

/** How long facts may wait for the database when the server stops, in milliseconds. */
const LAST_FACTS_MS = 5000;

const NO_NATIVE_CRYPTO =
  "ssh2's native crypto is not loaded, so SSH runs about ten times slower: apt-get install build-essential python3, then npm ci";

/** This package's version. */
export function version(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  );
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown';
}

/** The control plane: people, machines, sessions, over the database and the counters. */
interface Control {
  readonly store: Store;
  readonly counters: Counters;
  readonly passwords: Passwords;
  readonly setup: StoreSetupApplier;
  readonly plane: LocalControlPlane;
}

async function openControl(config: Config, log: Logger, closers: Closers): Promise<Control> {
  const node = keptFile(join(config.dataDir, 'node-id'), () => `${randomUUID()}\n`).trim();
  const store = await openStore({
    databaseUrl: config.databaseUrl?.expose() ?? null,
    dataDir: config.dataDir,
    secretKey: loadSecretKey(config.secretKey, config.dataDir),
    migrate: true,
    log,
  });
  closers.add('the database', () => store.close());
  const counters = await openCounters({ redisUrl: config.redisUrl?.expose() ?? null, node, log });
  closers.add('the counters', () => counters.close());
  await recover(node, {
    store,
    counters,
    repair: (key) => repairRecording(config.recordings, key),
    log,
  });
  await ensureAdminToken(store.tokens, config.dataDir, config.adminToken?.expose() ?? null);
  const passwords = new ScryptPasswords();
  const plane = new LocalControlPlane({
    stores: store,
    counters,
    passwords,
    node,
    bastionKey: keptFile(join(config.dataDir, 'bastion_key'), () => generateHostKey().privatePem),
    log,
  });
  closers.add('what waits for the database', () => plane.close(LAST_FACTS_MS));
  return { store, counters, passwords, plane, setup: new StoreSetupApplier({ store, passwords }) };
}

/** The gateway: SSH in, SSH out, and the recorder between. */
async function openGateway(
  config: Config,
  control: Control,
  working: WorkingAlgorithms,
  log: Logger,
  closers: Closers,
): Promise<{ gateway: SshGateway; hostKey: HostKey }> {
  const recorder = await openRecorder({ root: config.recordings, log });
  closers.add('the recorder', () => recorder.close());
  const hostKey = loadHostKey(
    keptFile(join(config.dataDir, 'ssh_host_ed25519_key'), () => generateHostKey().privatePem),
  );
  const gateway = new SshGateway({
    control: control.plane,
    connector: new SshTargets({
      control: control.plane,
      algorithms: clientAlgorithms(working),
      log,
    }),
    recorder,
    log,
    hostKey,
    algorithms: serverAlgorithms(working),
  });
  closers.add('the gateway', () => gateway.drain());
  return { gateway, hostKey };
}

async function openHttp(
  config: Config,
  control: Control,
  gateway: SshGateway,
  addresses: Addresses,
  log: Logger,
  closers: Closers,
): Promise<string> {
  const deps = {
    ...control,
    gateway,
    recordings: openLibrary(config.recordings),
    parsePublicKey,
    log,
    version: version(),
    publicUrl: () => addresses.url,
    publicSsh: () => addresses.ssh,
    clock: () => new Date(),
    clientAddress: (context: Parameters<typeof getConnInfo>[0]) =>
      plainAddress(getConnInfo(context).remote.address ?? ''),
  };
  const app = createApi(deps);
  app.route('/', createConsole({ ...deps, ...consoleActions(deps) }));
  const http = await listenHttp({ fetch: app.fetch, ...config.httpListen });
  closers.add('HTTP', () => http.close());
  return `http://${http.host.includes(':') ? `[${http.host}]` : http.host}:${http.port}`;
}

/** What users are told to use; filled in as the listeners come up. */
interface Addresses {
  ssh: { host: string; port: number };
  url: string;
}

/** A host that others can use: a listener on every address is reached by this machine's name. */
function reachable(host: string): string {
  return host === '0.0.0.0' || host === '::' ? hostname() : host;
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
  const native = nativeCryptoLoaded();
  if (!native) log.warn(NO_NATIVE_CRYPTO);
  const working = await testCiphers();
  for (const cipher of working.failed) log.info('a cipher does not work here', { cipher });
  const control = await openControl(config, log, closers);
  // Before the gateway, so that it goes after it: its users' sessions are to end as drained.
  const machine = demo ? await openDemoMachine(config, working, log, closers) : null;
  const { gateway, hostKey } = await openGateway(config, control, working, log, closers);
  const ssh = await gateway.listen(config.sshListen.host, config.sshListen.port);
  const addresses: Addresses = {
    ssh: {
      host: config.publicSsh?.host ?? reachable(ssh.host),
      port: config.publicSsh?.port ?? ssh.port,
    },
    url: '',
  };
  const url = await openHttp(config, control, gateway, addresses, log, closers);
  addresses.url = config.publicUrl ?? url;
  const bastion = { ...ssh, hostKeyLine: hostKey.publicLine };
  const parts: DemoParts | null =
    machine === null ? null : await openDemo(config, control, machine, bastion);
  log.info('ready', {
    ssh: `${ssh.host}:${ssh.port}`,
    http: url,
    database: control.store.description,
  });
  let draining: Promise<void> | null = null;
  return {
    ready: {
      ssh,
      http: { url },
      pid: process.pid,
      admin_token_file: adminTokenFile(config.dataDir),
    },
    welcome: welcome({
      addresses,
      dataDir: config.dataDir,
      demo: parts,
      notes: native ? [] : [NO_NATIVE_CRYPTO],
      database: control.store.description,
    }),
    drain(reason) {
      if (draining === null) log.info('stopping', { reason });
      draining ??= closers.close();
      return draining;
    },
  };
}
