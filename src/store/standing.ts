import { type Selectable, sql } from 'kysely';
import type { Account, Standing, StandingStore } from '../domain/standing.ts';
import { toGrant } from './grants.ts';
import { toMachine } from './machines.ts';
import type { Db, Tables } from './tables.ts';

/** A row as JSON has it: times are text. */
type Json<Row> = { readonly [Field in keyof Row]: Row[Field] extends Date ? string : Row[Field] };

interface Found {
  readonly accounts: readonly Account[];
  readonly grants: readonly Json<Selectable<Tables['grants']>>[];
  readonly machines: readonly Json<Selectable<Tables['machines']>>[];
}

/** What access rests on, read in one query so that it is of one moment. */
export class SqlStandingStore implements StandingStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async of(userIds: readonly number[], machineIds: readonly number[]): Promise<Standing> {
    const users = sql`any(${[...userIds]}::bigint[])`;
    const machines = sql`any(${[...machineIds]}::bigint[])`;
    const answer = await sql<Found>`select
      coalesce((select jsonb_agg(jsonb_build_object(
        'userId', u.id,
        'disabled', u.disabled,
        'groups', array(select m.group_id from group_members m where m.user_id = u.id),
        'keyIds', array(select k.id from user_keys k where k.user_id = u.id),
        'passwordStamp', encode(sha256(convert_to(u.password_hash, 'UTF8')), 'hex')
      )) from users u where u.id = ${users}), '[]') as accounts,
      coalesce((select jsonb_agg(to_jsonb(g) order by g.id) from grants g where g.user_id = ${users}
        or g.group_id in (select m.group_id from group_members m where m.user_id = ${users})
      ), '[]') as grants,
      coalesce((select jsonb_agg(to_jsonb(m) - 'credential') from machines m
        where m.id = ${machines}), '[]') as machines`.execute(this.#db);
    const [found] = answer.rows;
    if (found === undefined) return { accounts: [], grants: [], machines: [] };
    return {
      accounts: found.accounts,
      grants: found.grants.map((row) =>
        toGrant({ ...row, until: date(row.until), created_at: new Date(row.created_at) }),
      ),
      machines: found.machines.map((row) =>
        toMachine({
          ...row,
          last_connected_at: date(row.last_connected_at),
          created_at: new Date(row.created_at),
          updated_at: new Date(row.updated_at),
        }),
      ),
    };
  }
}

/** JSON has text where the row has a time. */
function date(time: Date | string | null): Date | null {
  return time === null ? null : new Date(time);
}
