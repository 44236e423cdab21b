import { type Selectable, sql } from 'kysely';
import {
  type AlertFound,
  type AlertRule,
  type AlertStore,
  MOST_ALERT_RULES,
  type NewAlertRule,
  type RaisedAlert,
} from '../domain/alert.ts';
import { PosternError } from '../domain/errors.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import type { SearchKind } from '../domain/search.ts';
import { atomically } from './atomically.ts';
import { SqlAuditStore } from './audit.ts';
import { meaning } from './failure.ts';
import { readPage } from './paging.ts';
import type { Db, Tables } from './tables.ts';

interface RaisedRow {
  readonly rule_name: string;
  readonly kind: SearchKind;
  readonly second: number;
  readonly at: Date;
  readonly session_id: number;
  readonly channel: number;
  readonly user_id: number | null;
  readonly machine_id: number | null;
  readonly ends: boolean;
}

/** Rules, and what they raised; `node` is whose recordings are read. */
export class SqlAlertStore implements AlertStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  list(page: PageRequest): Promise<Page<AlertRule>> {
    return readPage(this.#db, page, this.#db.selectFrom('alert_rules').selectAll(), toRule);
  }

  async getByName(name: string): Promise<AlertRule | null> {
    const query = this.#db.selectFrom('alert_rules').selectAll().where('name', '=', name);
    const row = await query.executeTakeFirst();
    return row ? toRule(row) : null;
  }

  async create({ name, pattern, kind, machineId, groupId }: NewAlertRule): Promise<AlertRule> {
    const { count } = await this.#db
      .selectFrom('alert_rules')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    if (count >= MOST_ALERT_RULES) throw new PosternError('alerts.too_many');
    const query = this.#db
      .insertInto('alert_rules')
      .values({ name, pattern, kind, machine_id: machineId, group_id: groupId })
      .returningAll();
    const unique = () => ({ code: 'thing.exists', params: { kind: 'alert rule', name } }) as const;
    const foreign = () =>
      ({
        code: 'thing.not_found',
        params:
          machineId === null
            ? { kind: 'group', id: groupId ?? 0 }
            : { kind: 'machine', id: machineId },
      }) as const;
    return toRule(await meaning({ unique, foreign }, query.executeTakeFirstOrThrow()));
  }

  async remove(id: number): Promise<AlertRule | null> {
    const query = this.#db.deleteFrom('alert_rules').where('id', '=', id).returningAll();
    const row = await query.executeTakeFirst();
    return row ? toRule(row) : null;
  }

  async rules(): Promise<readonly AlertRule[]> {
    const query = this.#db.selectFrom('alert_rules').selectAll().orderBy('name');
    return (await query.limit(MOST_ALERT_RULES).execute()).map(toRule);
  }

  raise(recordingId: number, found: readonly AlertFound[]): Promise<readonly RaisedAlert[]> {
    return atomically(this.#db, async (db) => {
      const raised: RaisedAlert[] = [];
      for (const one of found) {
        const row = await insert(db, recordingId, one);
        if (row === null) continue;
        await note(db, row);
        raised.push({ rule: row.rule_name, sessionId: row.session_id, ends: row.ends });
      }
      return raised;
    });
  }
}

/** Null: it is not meant for this session, or was raised already. */
async function insert(
  db: Db,
  recordingId: number,
  { ruleId, kind, second }: AlertFound,
): Promise<RaisedRow | null> {
  const { rows } = await sql<RaisedRow>`
    with made as (
      insert into alerts (rule_id, rule_name, recording_id, node, kind, minute, second)
      select rule.id, rule.name, recordings.id, sessions.node, ${kind},
        floor(${second}::float8 / 60)::integer, ${second}::float8
      from alert_rules as rule, recordings join sessions on sessions.id = session_id
      where rule.id = ${ruleId} and recordings.id = ${recordingId}
        and (rule.machine_id is null or rule.machine_id = sessions.machine_id)
        and (rule.group_id is null or exists (select from group_members as member
          where member.group_id = rule.group_id and member.user_id = sessions.user_id))
        and (recordings.ended_at is null or recordings.ended_at > rule.created_at)
      on conflict do nothing
      returning rule_name, recording_id, kind, second, at)
    select made.*, session_id, channel, user_id, sessions.machine_id,
      ${ENDS} as ends
    from made join recordings on recordings.id = recording_id
      join sessions on sessions.id = session_id`.execute(db);
  return rows[0] ?? null;
}

/** Whether one of the grants that allow the session says that it ends. */
const ENDS = sql<boolean>`sessions.ended_at is null and exists (
  select from grants join machines on machines.id = sessions.machine_id
  where end_on_alert and (until is null or until > now())
    and (grants.user_id = sessions.user_id or grants.group_id in (
      select group_id from group_members where group_members.user_id = sessions.user_id))
    and (grants.machine_id = machines.id or grants.stack_id = machines.stack_id
      or machines.tags ->> tag_key = tag_value)
    and (sessions.login = any(logins) or cardinality(logins) = 0 and sessions.login = machines.login))`;

async function note(db: Db, row: RaisedRow): Promise<void> {
  const { rule_name: rule, kind, channel, second } = row;
  await new SqlAuditStore(db).append({
    at: row.at,
    type: 'alert.raised',
    actor: null,
    userId: row.user_id,
    machineId: row.machine_id,
    sessionId: row.session_id,
    source: null,
    detail: { rule, kind, channel, second },
  });
}

function toRule(row: Selectable<Tables['alert_rules']>): AlertRule {
  return {
    id: row.id,
    name: row.name,
    pattern: row.pattern,
    kind: row.kind,
    machineId: row.machine_id,
    groupId: row.group_id,
    createdAt: row.created_at,
  };
}
