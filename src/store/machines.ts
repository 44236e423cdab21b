import { type Selectable, type SelectQueryBuilder, sql } from 'kysely';
import { PosternError } from '../domain/errors.ts';
import {
  type AuthType,
  type Machine,
  type MachineCredential,
  type MachineStore,
  type NewMachine,
  SSH_PORT,
} from '../domain/machine.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import { Secret } from '../domain/secret.ts';
import { atomically } from './atomically.ts';
import { type Meaning, meaning } from './failure.ts';
import { containing, readPage } from './paging.ts';
import { credentialPlace } from './sealed-columns.ts';
import { storableJson } from './storable.ts';
import type { Db, Tables } from './tables.ts';
import { keepUnsearched } from './unsearched.ts';
import type { Sealed, Vault } from './vault.ts';

type MachineFilter = Parameters<MachineStore['list']>[0];

/** The most machines that `all` answers. */
const MOST = 1000;

/** The most machines that `reachedAs` answers. */
const MOST_ALIKE = 100;

/** Machines; their credentials sealed with the vault. */
export class SqlMachineStore implements MachineStore {
  readonly #db: Db;
  readonly #vault: Vault;

  constructor(db: Db, vault: Vault) {
    this.#db = db;
    this.#vault = vault;
  }

  async get(id: number): Promise<Machine | null> {
    const query = this.#db.selectFrom('machines').selectAll().where('id', '=', id);
    return machineOrNull(await query.executeTakeFirst());
  }

  async getByName(name: string): Promise<Machine | null> {
    const query = this.#db.selectFrom('machines').selectAll().where('name', '=', name);
    return machineOrNull(await query.executeTakeFirst());
  }

  list(filter: MachineFilter, page: PageRequest): Promise<Page<Machine>> {
    return readPage(this.#db, page, this.#found(filter).selectAll(), toMachine);
  }

  async all(): Promise<readonly Machine[]> {
    const query = this.#db.selectFrom('machines').selectAll().orderBy('name').limit(MOST);
    return (await query.execute()).map(toMachine);
  }

  async behind(name: string): Promise<readonly string[]> {
    const query = this.#db.selectFrom('machines').select('name').where('jump', '=', name);
    return (await query.orderBy('name').limit(10).execute()).map((row) => row.name);
  }

  async reachedAs(host: string, port: number): Promise<readonly Machine[]> {
    const wanted = host.toLowerCase();
    const isName = sql<boolean>`lower(name) = ${wanted} and (port = ${port} or ${port === SSH_PORT})`;
    const isAddress = sql<boolean>`lower(host) = ${wanted} and port = ${port}`;
    const query = this.#db
      .selectFrom('machines')
      .selectAll()
      .where((eb) => eb.or([isName, isAddress]))
      .orderBy(sql`lower(name) = ${wanted}`, 'desc')
      .orderBy('name')
      .limit(MOST_ALIKE);
    return (await query.execute()).map(toMachine);
  }

  async create(machine: NewMachine): Promise<Machine> {
    const taken = sql<{ id: number }>`select nextval('machines_id_seq') as id`;
    const id = (await taken.execute(this.#db)).rows[0]?.id;
    if (id === undefined) throw new PosternError('store.down');
    const query = this.#db
      .insertInto('machines')
      .values({
        id,
        name: machine.name,
        kind: machine.kind,
        host: machine.host,
        port: machine.port,
        login: machine.login,
        ...this.#sealed(id, machine.credential),
        host_key: machine.hostKey,
        host_key_policy: machine.hostKeyPolicy,
        algorithms: machine.algorithms ?? 'modern',
        jump: machine.jump ?? null,
        recording: machine.recording,
        retention: machine.retention ?? null,
        indexed: machine.indexed ?? true,
        record_input: machine.recordInput ?? false,
        shell_integration: machine.shellIntegration ?? null,
        container: placeColumn(machine.container ?? null),
        pod: placeColumn(machine.pod ?? null),
        tags: storableJson(machine.tags),
        description: machine.description,
      })
      .returningAll();
    return toMachine(await named(machine.name, query.executeTakeFirstOrThrow()));
  }

  async update(id: number, change: Partial<NewMachine>): Promise<Machine | null> {
    const { name, kind, host, port, login, hostKey, recording, description } = change;
    const query = this.#db
      .updateTable('machines')
      .set({
        ...(name !== undefined && { name }),
        ...(kind !== undefined && { kind }),
        ...(host !== undefined && { host }),
        ...(port !== undefined && { port }),
        ...(login !== undefined && { login }),
        ...(change.credential !== undefined && this.#sealed(id, change.credential)),
        ...(hostKey !== undefined && { host_key: hostKey }),
        ...(change.hostKeyPolicy !== undefined && { host_key_policy: change.hostKeyPolicy }),
        ...(change.algorithms !== undefined && { algorithms: change.algorithms }),
        ...(change.jump !== undefined && { jump: change.jump }),
        ...(recording !== undefined && { recording }),
        ...keptChange(change),
        ...placeChange(change),
        ...(change.tags !== undefined && { tags: storableJson(change.tags) }),
        ...(description !== undefined && { description }),
        updated_at: new Date(),
      })
      .where('id', '=', id)
      .returningAll();
    return machineOrNull(await named(name ?? '', query.executeTakeFirst()));
  }

  remove(id: number): Promise<boolean> {
    const params = { kind: 'machine', name: id, by: 'others are reached through it' };
    const foreign = (): Meaning => ({ code: 'thing.in_use', params });
    const removed = atomically(this.#db, async (db) => {
      await keepUnsearched(db, { machineId: id });
      return await db.deleteFrom('machines').where('id', '=', id).executeTakeFirst();
    });
    return meaning({ foreign }, removed).then(({ numDeletedRows }) => numDeletedRows > 0n);
  }

  async credential(id: number): Promise<MachineCredential | null> {
    const row = await this.#db
      .selectFrom('machines')
      .select(['name', 'auth_type', 'credential'])
      .where('id', '=', id)
      .executeTakeFirst();
    if (!row) return null;
    if (row.auth_type !== 'key' && row.auth_type !== 'password') return { type: row.auth_type };
    const opened = this.#vault.open(row.credential ?? '', credentialPlace(id, row.auth_type));
    if ('failed' in opened) throw new PosternError(`vault.${opened.failed}`, { machine: row.name });
    const secret = new Secret(opened.text);
    return row.auth_type === 'key'
      ? { type: 'key', privateKey: secret }
      : { type: 'password', password: secret };
  }

  async pinHostKey(id: number, hostKey: string): Promise<string | null> {
    const row = await this.#db
      .updateTable('machines')
      .set((eb) => ({ host_key: eb.fn.coalesce('host_key', eb.val(hostKey)) }))
      .where('id', '=', id)
      .returning('host_key')
      .executeTakeFirst();
    return row?.host_key ?? null;
  }

  async connected(id: number, at: Date): Promise<void> {
    const set = sql<Date>`greatest(last_connected_at, ${at}::timestamptz)`;
    await this.#db
      .updateTable('machines')
      .set({ last_connected_at: set })
      .where('id', '=', id)
      .execute();
  }

  #sealed(
    id: number,
    credential: MachineCredential,
  ): { readonly auth_type: AuthType; readonly credential: Sealed | null } {
    const secret = secretOf(credential);
    return {
      auth_type: credential.type,
      credential:
        secret === null
          ? null
          : this.#vault.seal(secret.expose(), credentialPlace(id, credential.type)),
    };
  }

  #found({ tag, search, ids }: MachineFilter): SelectQueryBuilder<Tables, 'machines', object> {
    let query: SelectQueryBuilder<Tables, 'machines', object> = this.#db.selectFrom('machines');
    if (tag) query = query.where(sql<boolean>`tags ->> ${tag.key} = ${tag.value}`);
    if (ids) query = query.where('id', '=', sql<number>`any(${[...ids]}::bigint[])`);
    if (search !== undefined) {
      const pattern = containing(search);
      query = query.where((eb) =>
        eb.or((['name', 'host', 'description'] as const).map((one) => eb(one, 'ilike', pattern))),
      );
    }
    return query;
  }
}

function placeColumn(place: object | null): string | null {
  return place === null ? null : storableJson({ ...place });
}

/** Which container it is. */
function placeChange({ container, pod }: Partial<NewMachine>) {
  return {
    ...(container !== undefined && { container: placeColumn(container) }),
    ...(pod !== undefined && { pod: placeColumn(pod) }),
  };
}

/** What is kept of what is recorded. */
function keptChange(change: Partial<NewMachine>) {
  const { retention, indexed, recordInput, shellIntegration } = change;
  return {
    ...(retention !== undefined && { retention }),
    ...(indexed !== undefined && { indexed }),
    ...(recordInput !== undefined && { record_input: recordInput }),
    ...(shellIntegration !== undefined && { shell_integration: shellIntegration }),
  };
}

function secretOf(credential: MachineCredential): Secret | null {
  if (credential.type === 'key') return credential.privateKey;
  return credential.type === 'password' ? credential.password : null;
}

function named<T>(name: string, work: Promise<T>): Promise<T> {
  return meaning(
    { unique: () => ({ code: 'thing.exists', params: { kind: 'machine', name } }) },
    work,
  );
}

function machineOrNull(row: Selectable<Tables['machines']> | undefined): Machine | null {
  return row ? toMachine(row) : null;
}

export function toMachine(row: Selectable<Tables['machines']>): Machine {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    host: row.host,
    port: row.port,
    login: row.login,
    authType: row.auth_type,
    hostKey: row.host_key,
    hostKeyPolicy: row.host_key_policy,
    algorithms: row.algorithms,
    jump: row.jump,
    recording: row.recording,
    retention: row.retention,
    indexed: row.indexed,
    recordInput: row.record_input,
    shellIntegration: row.shell_integration,
    container: row.container,
    pod: row.pod,
    tags: row.tags,
    description: row.description,
    stackId: row.stack_id,
    service: row.service,
    lastConnectedAt: row.last_connected_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
