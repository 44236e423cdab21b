import { type Selectable, type SelectQueryBuilder, sql } from 'kysely';
import type { Grant, GrantOn, GrantStore, GrantTo, NewGrant } from '../domain/grant.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import { type Meaning, meaning } from './failure.ts';
import { setLevels } from './grant-levels.ts';
import { readPage } from './paging.ts';
import type { Db, Tables } from './tables.ts';

type GrantFilter = Parameters<GrantStore['list']>[0];

/** Who may reach what. */
export class SqlGrantStore implements GrantStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async get(id: number): Promise<Grant | null> {
    const query = this.#db.selectFrom('grants').selectAll().where('id', '=', id);
    const row = await query.executeTakeFirst();
    return row ? toGrant(row) : null;
  }

  list(filter: GrantFilter, page: PageRequest): Promise<Page<Grant>> {
    return readPage(this.#db, page, this.#found(filter).selectAll(), toGrant);
  }

  async forUser(userId: number, groups: readonly number[]): Promise<readonly Grant[]> {
    const query = this.#db
      .selectFrom('grants')
      .selectAll()
      .where((eb) =>
        eb.or([
          eb('user_id', '=', userId),
          eb('group_id', '=', sql<number>`any(${[...groups]}::bigint[])`),
        ]),
      )
      .orderBy('id');
    return (await query.execute()).map(toGrant);
  }

  async create(grant: NewGrant): Promise<Grant> {
    const query = this.#db
      .insertInto('grants')
      .values({
        ...columnsTo(grant.to),
        ...columnsOn(grant.on),
        logins: [...grant.logins],
        allow: [...grant.allow],
        forward_to: [...grant.forwardTo],
        from_networks: [...grant.fromNetworks],
        until: grant.until,
        max_session: grant.maxSession,
        idle_timeout: grant.idleTimeout,
        mfa: grant.mfa ?? false,
        end_on_alert: grant.endOnAlert ?? false,
        shell_integration: grant.shellIntegration ?? false,
        ...columnsBy(grant.approval),
      })
      .returningAll();
    const foreign = (constraint: string): Meaning => missingOf(grant, constraint);
    return toGrant(await meaning({ foreign }, query.executeTakeFirstOrThrow()));
  }

  async remove(id: number): Promise<boolean> {
    const query = this.#db.deleteFrom('grants').where('id', '=', id);
    return (await query.executeTakeFirst()).numDeletedRows > 0n;
  }

  setLevels(...[userId, levels]: Parameters<GrantStore['setLevels']>) {
    return setLevels(this.#db, userId, levels);
  }

  #found(filter: GrantFilter): SelectQueryBuilder<Tables, 'grants', object> {
    let query: SelectQueryBuilder<Tables, 'grants', object> = this.#db.selectFrom('grants');
    if (filter.userId !== undefined) query = query.where('user_id', '=', filter.userId);
    if (filter.groupId !== undefined) query = query.where('group_id', '=', filter.groupId);
    if (filter.machineId !== undefined) query = query.where('machine_id', '=', filter.machineId);
    return query;
  }
}

function columnsTo(to: GrantTo): Pick<Selectable<Tables['grants']>, 'user_id' | 'group_id'> {
  return 'userId' in to
    ? { user_id: to.userId, group_id: null }
    : { user_id: null, group_id: to.groupId };
}

function columnsOn(
  on: GrantOn,
): Pick<Selectable<Tables['grants']>, 'machine_id' | 'tag_key' | 'tag_value' | 'stack_id'> {
  const none = { machine_id: null, tag_key: null, tag_value: null, stack_id: null };
  if ('machineId' in on) return { ...none, machine_id: on.machineId };
  if ('stackId' in on) return { ...none, stack_id: on.stackId };
  return { ...none, tag_key: on.tag.key, tag_value: on.tag.value };
}

function columnsBy(
  approval: Grant['approval'],
): Pick<Selectable<Tables['grants']>, 'approval_user_id' | 'approval_group_id'> {
  return {
    approval_user_id: approval !== null && 'userId' in approval ? approval.userId : null,
    approval_group_id: approval !== null && 'groupId' in approval ? approval.groupId : null,
  };
}

/** Which of the things that the grant refers to is not there. */
function missingOf({ to, on, approval }: NewGrant, constraint: string): Meaning {
  const missing = (kind: string, id: number): Meaning => ({
    code: 'thing.not_found',
    params: { kind, id },
  });
  if (constraint === 'grants_machine_id_fkey' && 'machineId' in on) {
    return missing('machine', on.machineId);
  }
  if (constraint === 'grants_stack_id_fkey' && 'stackId' in on) {
    return missing('stack', on.stackId);
  }
  if (constraint.startsWith('grants_approval_') && approval !== null) {
    return 'userId' in approval
      ? missing('user', approval.userId)
      : missing('group', approval.groupId);
  }
  return 'userId' in to ? missing('user', to.userId) : missing('group', to.groupId);
}

function toOf(row: Selectable<Tables['grants']>): GrantTo {
  if (row.user_id !== null) return { userId: row.user_id };
  if (row.group_id !== null) return { groupId: row.group_id };
  throw new Error(`grant ${row.id} is to nobody`);
}

function onOf(row: Selectable<Tables['grants']>): GrantOn {
  if (row.machine_id !== null) return { machineId: row.machine_id };
  if (row.stack_id !== null) return { stackId: row.stack_id };
  if (row.tag_key !== null && row.tag_value !== null) {
    return { tag: { key: row.tag_key, value: row.tag_value } };
  }
  throw new Error(`grant ${row.id} is on nothing`);
}

function approvalOf(row: Selectable<Tables['grants']>): Grant['approval'] {
  if (row.approval_user_id !== null) return { userId: row.approval_user_id };
  return row.approval_group_id === null ? null : { groupId: row.approval_group_id };
}

export function toGrant(row: Selectable<Tables['grants']>): Grant {
  return {
    id: row.id,
    to: toOf(row),
    on: onOf(row),
    logins: row.logins,
    allow: row.allow,
    forwardTo: row.forward_to,
    fromNetworks: row.from_networks,
    until: row.until,
    maxSession: row.max_session,
    idleTimeout: row.idle_timeout,
    mfa: row.mfa,
    endOnAlert: row.end_on_alert,
    shellIntegration: row.shell_integration,
    level: row.level,
    approval: approvalOf(row),
    createdAt: row.created_at,
  };
}
