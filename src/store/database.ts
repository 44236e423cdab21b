import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Logger } from '../domain/log.ts';
import type { Store, Stores } from '../domain/store.ts';
import { SqlAlertFeedStore } from './alert-feed.ts';
import { SqlAlertStore } from './alerts.ts';
import { SqlAnalysisStore } from './analyses.ts';
import { SqlApprovalStore } from './approvals.ts';
import { SqlArchiveStore } from './archive.ts';
import { SqlAuditStore } from './audit.ts';
import { SqlAuthorityStore } from './authorities.ts';
import { connect, connectToMigrate, type DatabaseOptions } from './connect.ts';
import type { Connection } from './connection.ts';
import { SqlContainerSessionStore } from './container-sessions.ts';
import { SqlEnteredContainerStore } from './entered-containers.ts';
import { SqlFactorStore } from './factors.ts';
import { SqlGrantStore } from './grants.ts';
import { SqlGroupStore } from './groups.ts';
import { SqlMachineStore } from './machines.ts';
import { bringUpToDate, requireUpToDate } from './migrate.ts';
import { SqlNodeStore } from './nodes.ts';
import { SqlPlaceStore } from './places.ts';
import { SqlRecordingStore } from './recordings.ts';
import { SqlRevocationStore } from './revocations.ts';
import { SqlSealFeedStore } from './seal-feed.ts';
import { SqlSealStore } from './seals.ts';
import { SqlSearchStore } from './search.ts';
import { SqlCountStore } from './session-counts.ts';
import { makeSessionIndex } from './session-index.ts';
import { SqlSessionStore } from './sessions.ts';
import { SqlStackActionStore } from './stack-actions.ts';
import { SqlStackStore } from './stacks.ts';
import { SqlStandingStore } from './standing.ts';
import type { Db } from './tables.ts';
import { SqlTokenStore } from './tokens.ts';
import { SqlTransferStore } from './transfers.ts';
import { SqlUserStore } from './users.ts';
import { Vault } from './vault.ts';

export interface StoreOptions {
  /** Null: embedded PGlite under `dataDir`. */
  readonly databaseUrl: string | null;
  /** Absolute; PGlite lives in its `pglite`. */
  readonly dataDir: string;
  /** 32 bytes; encrypts the machines' credentials. */
  readonly secretKey: Buffer;
  /** Open what it does not; left out: none. */
  readonly otherKeys?: readonly Buffer[];
  /** False: `store.behind` is thrown where migrations are pending. */
  readonly migrate: boolean;
  readonly log: Logger;
}

/** Milliseconds. */
const HEALTH_DEADLINE = 1000;

/**
 * Opens the database and brings it up to date. Throws PosternError `store.*` for what a person must
 * mend: a wrong or unreachable DATABASE_URL, a data directory in use, an unknown schema.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const vault = new Vault(options.secretKey, options.otherKeys);
  const connection = await openMigrated(options);
  options.log.info('database open', { database: connection.description });
  if (options.databaseUrl === null) {
    options.log.info(
      'the embedded database serves one node and outlives a crash of the process, not a loss of power; set DATABASE_URL for more',
    );
  }
  return new SqlStore(connection, vault, options.databaseUrl !== null);
}

/** Brings a server's database up to date; throws what `openStore` throws. */
export async function migrateServer(options: DatabaseOptions): Promise<void> {
  const migrating = await connectToMigrate(options);
  try {
    noteMigrations(await bringUpToDate(migrating.db), options.log);
    await makeSessionIndex(migrating.db, options.log);
  } finally {
    await migrating.close();
  }
}

async function openMigrated(options: StoreOptions): Promise<Connection> {
  // The embedded database has one owner, and opening it twice would take a second each.
  if (options.migrate && options.databaseUrl !== null) await migrateServer(options);
  const connection = await connect(options);
  try {
    if (!options.migrate) await requireUpToDate(connection.db);
    else if (options.databaseUrl === null) {
      noteMigrations(await bringUpToDate(connection.db), options.log);
    }
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

function noteMigrations(applied: readonly string[], log: Logger): void {
  if (applied.length > 0) log.info('database migrated', { applied: applied.join(', ') });
}

/** `isServer`: search has an index; the embedded database reads texts through. */
function storesOver(db: Db, vault: Vault, isServer: boolean): Stores {
  return {
    users: new SqlUserStore(db),
    factors: new SqlFactorStore(db, vault),
    groups: new SqlGroupStore(db),
    machines: new SqlMachineStore(db, vault),
    grants: new SqlGrantStore(db),
    approvals: new SqlApprovalStore(db),
    sessions: new SqlSessionStore(db),
    counts: new SqlCountStore(db),
    places: new SqlPlaceStore(db),
    enteredContainers: new SqlEnteredContainerStore(db),
    transfers: new SqlTransferStore(db),
    tokens: new SqlTokenStore(db),
    audit: new SqlAuditStore(db),
    standing: new SqlStandingStore(db),
    authorities: new SqlAuthorityStore(db),
    revocations: new SqlRevocationStore(db),
    nodes: new SqlNodeStore(db),
    seals: new SqlSealStore(db),
    sealFeed: new SqlSealFeedStore(db),
    recordings: new SqlRecordingStore(db),
    analyses: new SqlAnalysisStore(db, isServer),
    archive: new SqlArchiveStore(db),
    search: new SqlSearchStore(db),
    alerts: new SqlAlertStore(db),
    alertFeed: new SqlAlertFeedStore(db),
    stacks: new SqlStackStore(db),
    containerSessions: new SqlContainerSessionStore(db, vault),
    stackActions: new SqlStackActionStore(db),
  };
}

class SqlStore implements Store {
  readonly users: Stores['users'];
  readonly factors: Stores['factors'];
  readonly groups: Stores['groups'];
  readonly machines: Stores['machines'];
  readonly grants: Stores['grants'];
  readonly approvals: Stores['approvals'];
  readonly sessions: Stores['sessions'];
  readonly counts: Stores['counts'];
  readonly places: Stores['places'];
  readonly enteredContainers: Stores['enteredContainers'];
  readonly transfers: Stores['transfers'];
  readonly tokens: Stores['tokens'];
  readonly audit: Stores['audit'];
  readonly standing: Stores['standing'];
  readonly authorities: Stores['authorities'];
  readonly revocations: Stores['revocations'];
  readonly nodes: Stores['nodes'];
  readonly seals: Stores['seals'];
  readonly sealFeed: Stores['sealFeed'];
  readonly recordings: Stores['recordings'];
  readonly analyses: Stores['analyses'];
  readonly archive: Stores['archive'];
  readonly search: Stores['search'];
  readonly alerts: Stores['alerts'];
  readonly alertFeed: Stores['alertFeed'];
  readonly stacks: Stores['stacks'];
  readonly containerSessions: Stores['containerSessions'];
  readonly stackActions: Stores['stackActions'];
  readonly description: string;
  readonly #connection: Connection;
  readonly #vault: Vault;
  readonly #isServer: boolean;
  #closing: Promise<void> | null = null;

  constructor(connection: Connection, vault: Vault, isServer: boolean) {
    const stores = storesOver(connection.db, vault, isServer);
    this.users = stores.users;
    this.factors = stores.factors;
    this.groups = stores.groups;
    this.machines = stores.machines;
    this.grants = stores.grants;
    this.approvals = stores.approvals;
    this.sessions = stores.sessions;
    this.counts = stores.counts;
    this.places = stores.places;
    this.enteredContainers = stores.enteredContainers;
    this.transfers = stores.transfers;
    this.tokens = stores.tokens;
    this.audit = stores.audit;
    this.standing = stores.standing;
    this.authorities = stores.authorities;
    this.revocations = stores.revocations;
    this.nodes = stores.nodes;
    this.seals = stores.seals;
    this.sealFeed = stores.sealFeed;
    this.recordings = stores.recordings;
    this.analyses = stores.analyses;
    this.archive = stores.archive;
    this.search = stores.search;
    this.alerts = stores.alerts;
    this.alertFeed = stores.alertFeed;
    this.stacks = stores.stacks;
    this.containerSessions = stores.containerSessions;
    this.stackActions = stores.stackActions;
    this.description = connection.description;
    this.#connection = connection;
    this.#vault = vault;
    this.#isServer = isServer;
  }

  async transaction<T>(work: (stores: Stores) => Promise<T>): Promise<T> {
    return await this.#connection.db
      .transaction()
      .execute((db) => work(storesOver(db, this.#vault, this.#isServer)));
  }

  async healthy(): Promise<boolean> {
    const asked = sql`select 1`.execute(this.#connection.db).then(
      () => true,
      () => false,
    );
    const enough = new AbortController();
    const late = delay(HEALTH_DEADLINE, false, { signal: enough.signal }).catch(() => false);
    try {
      return await Promise.race([asked, late]);
    } finally {
      enough.abort();
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#connection.close();
    return this.#closing;
  }
}
