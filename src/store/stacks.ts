import { randomBytes } from 'node:crypto';
import { type Selectable, sql } from 'kysely';
import { PosternError, sentence } from '../domain/errors.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import type { NewStack, Stack, StackFilter, StackStore } from '../domain/stack.ts';
import { atomically } from './atomically.ts';
import { meaning } from './failure.ts';
import { containing, readPage } from './paging.ts';
import { storableJson } from './storable.ts';
import type { Db, Tables } from './tables.ts';
import { keepUnsearched } from './unsearched.ts';

/** The most services that `serviceMachines` answers. */
const MOST_SERVICES = 10_000;

/** Stacks, and the machines that their services are. */
export class SqlStackStore implements StackStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async get(id: number): Promise<Stack | null> {
    const query = this.#db.selectFrom('stacks').selectAll().where('id', '=', id);
    return stackOrNull(await query.executeTakeFirst());
  }

  async getByName(name: string): Promise<Stack | null> {
    const query = this.#db.selectFrom('stacks').selectAll().where('name', '=', name);
    return stackOrNull(await query.executeTakeFirst());
  }

  async find(nameOrUid: string): Promise<Stack | null> {
    const query = this.#db
      .selectFrom('stacks')
      .selectAll()
      .where((eb) => eb.or([eb('name', '=', nameOrUid), eb('uid', '=', nameOrUid)]))
      .orderBy(sql`name = ${nameOrUid}`, 'desc')
      .limit(1);
    return stackOrNull(await query.executeTakeFirst());
  }

  list({ ids, search }: StackFilter, page: PageRequest): Promise<Page<Stack>> {
    let found = this.#db.selectFrom('stacks');
    if (ids !== undefined) found = found.where('id', '=', sql<number>`any(${[...ids]}::bigint[])`);
    if (search !== undefined) found = found.where('name', 'ilike', containing(search));
    return readPage(this.#db, page, found.selectAll(), toStack);
  }

  async create(stack: NewStack): Promise<Stack> {
    const query = this.#db
      .insertInto('stacks')
      .values({ uid: randomBytes(16).toString('hex'), ...columnsOf(stack) })
      .returningAll();
    return toStack(await named(stack.name, query.executeTakeFirstOrThrow()));
  }

  update(id: number, change: Partial<NewStack>): Promise<Stack | null> {
    return atomically(this.#db, async (db) => {
      const now = await locked(db, id, 'update');
      if (now === null) return null;
      const query = db
        .updateTable('stacks')
        .set({ ...columnsOf({ ...now, ...change }), updated_at: new Date() })
        .where('id', '=', id)
        .returningAll();
      const changed = toStack(await named(change.name ?? '', query.executeTakeFirstOrThrow()));
      await updateMachines(db, changed);
      return changed;
    });
  }

  async remove(id: number): Promise<boolean> {
    const { numDeletedRows } = await atomically(this.#db, async (db) => {
      await keepUnsearched(db, { stackId: id });
      return await db.deleteFrom('stacks').where('id', '=', id).executeTakeFirst();
    });
    return numDeletedRows > 0n;
  }

  machineOf({ id, name }: Stack, service: string): Promise<number> {
    return atomically(this.#db, async (db) => {
      // What it says now; what the caller has read may have been changed since.
      const stack = await locked(db, id, 'share');
      if (stack === null || stack.kind !== 'container') {
        const detail = sentence('stack.is_server', { stack: name });
        throw new PosternError('stack.kind', { detail });
      }
      return await machineOf(db, stack, service);
    });
  }

  async serviceMachines() {
    const query = this.#db
      .selectFrom('machines')
      .select(['stack_id', 'service'])
      .where('stack_id', 'is not', null)
      .limit(MOST_SERVICES);
    const rows = await query.execute();
    return rows.map(({ stack_id, service }) => ({ stackId: stack_id ?? 0, service }));
  }
}

/** Until the end of the transaction it does not change, and with `update` nobody else reads it here. */
async function locked(db: Db, id: number, mode: 'update' | 'share'): Promise<Stack | null> {
  const query = db.selectFrom('stacks').selectAll().where('id', '=', id);
  const held = mode === 'update' ? query.forUpdate() : query.forShare();
  return stackOrNull(await held.executeTakeFirst());
}

async function machineOf(db: Db, stack: Stack, service: string): Promise<number> {
  const name = `${stack.name}.${service}`;
  const container = storableJson(placeOf(stack, service));
  // One statement, for two may make the same at once; what the stack says counts each time.
  const query = sql<{ id: number }>`
    insert into machines (name, kind, host, port, login, auth_type, host_key_policy, recording, tags,
      description, container, stack_id, service)
    values (${name}, 'docker', ${name}, 0, ${stack.login}, 'none', 'accept-new', ${stack.recording},
      '{}', ${`service ${service} of stack ${stack.name}`}, ${container}::jsonb, ${stack.id}, ${service})
    on conflict (stack_id, service) do update
      set login = excluded.login, recording = excluded.recording, container = excluded.container
    returning id`;
  const unique = () => ({ code: 'thing.exists', params: { kind: 'machine', name } }) as const;
  const made = (await meaning({ unique }, query.execute(db))).rows[0]?.id;
  if (made === undefined) throw new Error(`no machine for ${name}`);
  return made;
}

/** As the stack says now; without the machines of one whose kind has no containers any more. */
async function updateMachines(db: Db, stack: Stack): Promise<void> {
  if (stack.kind !== 'container') {
    await db.deleteFrom('machines').where('stack_id', '=', stack.id).execute();
    return;
  }
  const query = db
    .selectFrom('machines')
    .select(['id', 'service'])
    .where('stack_id', '=', stack.id);
  for (const { id, service } of await query.execute()) {
    if (service === null) continue;
    const container = storableJson(placeOf(stack, service));
    const { login, recording } = stack;
    await db
      .updateTable('machines')
      .set({ login, recording, container, updated_at: new Date() })
      .where('id', '=', id)
      .execute();
  }
}

function placeOf(stack: Stack, service: string) {
  const labels = { stack: stack.stackLabel, service: stack.serviceLabel };
  const choice = { stack: stack.project, service, labels };
  return { engine: stack.engine, choice, shell: [] };
}

function columnsOf(stack: NewStack) {
  return {
    name: stack.name,
    kind: stack.kind,
    engine: stack.engine,
    project: stack.project,
    stack_label: stack.stackLabel,
    service_label: stack.serviceLabel,
    login: stack.login,
    recording: stack.recording,
    session_limit: stack.sessionLimit,
    over_limit: stack.overLimit,
  };
}

function named<T>(name: string, work: Promise<T>): Promise<T> {
  return meaning(
    { unique: () => ({ code: 'thing.exists', params: { kind: 'stack', name } }) },
    work,
  );
}

function stackOrNull(row: Selectable<Tables['stacks']> | undefined): Stack | null {
  return row ? toStack(row) : null;
}

function toStack(row: Selectable<Tables['stacks']>): Stack {
  return {
    id: row.id,
    uid: row.uid,
    name: row.name,
    kind: row.kind,
    engine: row.engine,
    project: row.project,
    stackLabel: row.stack_label,
    serviceLabel: row.service_label,
    login: row.login,
    recording: row.recording,
    sessionLimit: row.session_limit,
    overLimit: row.over_limit,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
