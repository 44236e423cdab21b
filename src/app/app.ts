import { join } from 'node:path';
import type { RunningApp, StartApp } from '../cli/running-app.ts';
import type { Config } from '../config/load.ts';
import { adminTokenFile } from '../control/admin-token.ts';
import { keptFile } from '../control/kept-file.ts';
import type { Logger } from '../domain/log.ts';
import { testCiphers } from '../ssh/algorithms.ts';
import { generateHostKey, loadHostKey } from '../ssh/host-key.ts';
import { installGuards, nativeCryptoLoaded } from '../ssh/library.ts';
import { lockDataDir } from '../store/data-dir-lock.ts';
import { noAddresses, publicSsh } from './addresses.ts';
import { Closers } from './closers.ts';
import { openControl } from './control.ts';
import { claimDataDir, type DemoParts, openDemo, openDemoMachine } from './demo.ts';
import { openGatewayAnywhere } from './gateway-place.ts';
import { openHttp } from './http.ts';
import { listening } from './listening.ts';
import { openSealing } from './sealing.ts';
import { welcome } from './welcome.ts';

const NO_NATIVE_CRYPTO =
  "ssh2's native crypto is not loaded, so SSH runs about ten times slower: apt-get install build-essential python3, then npm ci";

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
