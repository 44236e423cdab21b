import { type Migration, Migrator } from 'kysely/migration';
import * as firstTables from '../../migrations/0001-first-tables.ts';
import * as certificates from '../../migrations/0002-certificates.ts';
import * as jumps from '../../migrations/0003-jumps.ts';
import * as userAuthorities from '../../migrations/0004-user-authorities.ts';
import * as transfers from '../../migrations/0005-transfers.ts';
import * as agentAuth from '../../migrations/0006-agent-auth.ts';
import * as nodes from '../../migrations/0007-nodes.ts';
import * as serialRanges from '../../migrations/0008-serial-ranges.ts';
import * as machineAlgorithms from '../../migrations/0009-machine-algorithms.ts';
import * as approvals from '../../migrations/0010-approvals.ts';
import * as seals from '../../migrations/0011-seals.ts';
import * as secondFactors from '../../migrations/0012-second-factors.ts';
import * as keptRecordings from '../../migrations/0013-kept-recordings.ts';
import * as sealSinks from '../../migrations/0014-seal-sinks.ts';
import * as analyses from '../../migrations/0015-analyses.ts';
import * as brokenRecordings from '../../migrations/0016-broken-recordings.ts';
import * as groupRetention from '../../migrations/0017-group-retention.ts';
import * as archive from '../../migrations/0018-archive.ts';
import * as search from '../../migrations/0019-search.ts';
import * as recordInput from '../../migrations/0020-record-input.ts';
import * as alerts from '../../migrations/0021-alerts.ts';
import * as places from '../../migrations/0022-places.ts';
import * as searchPlaces from '../../migrations/0023-search-places.ts';
import * as containers from '../../migrations/0024-containers.ts';
import * as stacks from '../../migrations/0025-stacks.ts';
import * as largeLists from '../../migrations/0026-large-lists.ts';
import * as auditChain from '../../migrations/0027-audit-chain.ts';
import * as removedInSessions from '../../migrations/0028-removed-in-sessions.ts';
import * as shellIntegration from '../../migrations/0029-shell-integration.ts';
import * as unsearchedSessions from '../../migrations/0030-unsearched-sessions.ts';
import * as enteredContainers from '../../migrations/0031-entered-containers.ts';
import * as tokensOfContainerSessions from '../../migrations/0032-tokens-of-container-sessions.ts';
import * as auditLinkedLater from '../../migrations/0033-audit-linked-later.ts';
import * as searchSheets from '../../migrations/0034-search-sheets.ts';
import * as pods from '../../migrations/0035-pods.ts';
import * as accessLevels from '../../migrations/0036-access-levels.ts';
import * as enteredPods from '../../migrations/0037-entered-pods.ts';
import { PosternError } from '../domain/errors.ts';
import { reasonOf } from '../domain/log.ts';
import { connectToMigrate, type DatabaseOptions } from './connect.ts';
import type { Db } from './tables.ts';

/** Every migration by its file's name; a new one is added here (a test compares with the folder). */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-first-tables': firstTables,
  '0002-certificates': certificates,
  '0003-jumps': jumps,
  '0004-user-authorities': userAuthorities,
  '0005-transfers': transfers,
  '0006-agent-auth': agentAuth,
  '0007-nodes': nodes,
  '0008-serial-ranges': serialRanges,
  '0009-machine-algorithms': machineAlgorithms,
  '0010-approvals': approvals,
  '0011-seals': seals,
  '0012-second-factors': secondFactors,
  '0013-kept-recordings': keptRecordings,
  '0014-seal-sinks': sealSinks,
  '0015-analyses': analyses,
  '0016-broken-recordings': brokenRecordings,
  '0017-group-retention': groupRetention,
  '0018-archive': archive,
  '0019-search': search,
  '0020-record-input': recordInput,
  '0021-alerts': alerts,
  '0022-places': places,
  '0023-search-places': searchPlaces,
  '0024-containers': containers,
  '0025-stacks': stacks,
  '0026-large-lists': largeLists,
  '0027-audit-chain': auditChain,
  '0028-removed-in-sessions': removedInSessions,
  '0029-shell-integration': shellIntegration,
  '0030-unsearched-sessions': unsearchedSessions,
  '0031-entered-containers': enteredContainers,
  '0032-tokens-of-container-sessions': tokensOfContainerSessions,
  '0033-audit-linked-later': auditLinkedLater,
  '0034-search-sheets': searchSheets,
  '0035-pods': pods,
  '0036-access-levels': accessLevels,
  '0037-entered-pods': enteredPods,
};

/** Names of migrations, in order. */
export interface MigrationState {
  readonly applied: readonly string[];
  readonly pending: readonly string[];
}

/**
 * Brings the database up to date: `applied` are those that this call ran. Several nodes may do it
 * at once, one works and the others wait. Throws `store.schema`, and what opening throws.
 */
export async function migrate(options: DatabaseOptions): Promise<MigrationState> {
  return await connected(options, async (db) => ({
    applied: await bringUpToDate(db),
    pending: [],
  }));
}

/** What was applied to the database ever, and what is pending; changes nothing. */
export async function migrationStatus(options: DatabaseOptions): Promise<MigrationState> {
  return await connected(options, stateOf);
}

/** Throws `store.behind` when migrations are pending. */
export async function requireUpToDate(db: Db): Promise<void> {
  const { pending } = await stateOf(db);
  if (pending.length > 0) throw new PosternError('store.behind', { pending: pending.join(', ') });
}

/** Answers the names that were applied now. */
export async function bringUpToDate(db: Db): Promise<readonly string[]> {
  const { error, results } = await migratorFor(db).migrateToLatest();
  if (error !== undefined) {
    if (error instanceof PosternError) throw error;
    throw new PosternError('store.schema', { reason: reasonOf(error) }, { cause: error });
  }
  return (results ?? []).map((result) => result.migrationName);
}

async function stateOf(db: Db): Promise<MigrationState> {
  const all = await migratorFor(db).getMigrations();
  const names = (done: boolean): string[] =>
    all.filter((one) => (one.executedAt !== undefined) === done).map((one) => one.name);
  return { applied: names(true), pending: names(false) };
}

function migratorFor(db: Db): Migrator {
  return new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve({ ...MIGRATIONS }) },
  });
}

async function connected<T>(options: DatabaseOptions, work: (db: Db) => Promise<T>): Promise<T> {
  const connection = await connectToMigrate(options);
  try {
    return await work(connection.db);
  } finally {
    await connection.close();
  }
}
