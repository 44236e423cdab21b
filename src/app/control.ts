import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { readVersion } from '../cli/version.ts';
import type { Config } from '../config/load.ts';
import { ensureAdminToken } from '../control/admin-token.ts';
import { StoreSetupApplier } from '../control/apply.ts';
import { BrokenRecordings } from '../control/broken-recordings.ts';
import { LocalControlPlane } from '../control/control-plane.ts';
import { JumpKeys, newJumpSecret } from '../control/jump-keys.ts';
import { keptFile } from '../control/kept-file.ts';
import { ScryptPasswords } from '../control/password.ts';
import { recover } from '../control/recovery.ts';
import { loadSecretKeys, serverKeys } from '../control/secret-key.ts';
import type { CertificateAuthority } from '../domain/certificate-authority.ts';
import type { Counters } from '../domain/counters.ts';
import type { GuessLimit } from '../domain/guess-limit.ts';
import type { Logger } from '../domain/log.ts';
import type { Passwords } from '../domain/password.ts';
import type { SinkState } from '../domain/seal-sink.ts';
import type { Store } from '../domain/store.ts';
import { endEarlierWorkers } from '../ipc/worker-marks.ts';
import { KeyCertificateAuthority, KeyHostAuthority } from '../ssh/certificate-signing.ts';
import { generateHostKey } from '../ssh/host-key.ts';
import { openStore } from '../store/database.ts';
import type { Addresses } from './addresses.ts';
import { openAuditing } from './auditing.ts';
import type { Closers } from './closers.ts';
import { openCounting } from './counting.ts';
import { type KeptRecordings, openKeptRecordings } from './kept-recordings.ts';
import { endLeftPrograms } from './left-programs.ts';
import { type Nodes, openNodes } from './nodes.ts';
import { openReading, type Reading } from './reading.ts';
import { openSealSinks } from './seal-sinks.ts';
import type { Sealing } from './sealing.ts';
import { openStackContainers, type StackContainers } from './stack-containers.ts';

/** How long facts may wait for the database when the server stops, in milliseconds. */
const LAST_FACTS_MS = 5000;

const UNFINISHED_ROTATION =
  'secret-key.new is in the data directory: stop, and finish with postern secret-key rotate; or, after that, set POSTERN_SECRET_KEY to it';

/** The control plane: people, machines, sessions, over the database and the counters. */
export interface Control extends StackContainers {
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

/** Opens the database and what decides, keeps and reads; what an earlier life left open is closed. */
export async function openControl(
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
  const stacks = openStackContainers(config, { store, changes: nodes.changes, log }, closers);
  endLeftPrograms(config, { store, node, log }, closers);
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
