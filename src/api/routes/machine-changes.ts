import { z } from '@hono/zod-openapi';
import { PosternError } from '../../domain/errors.ts';
import { jumpProblems } from '../../domain/jump.ts';
import type { Machine, NewMachine } from '../../domain/machine.ts';
import type { Stores } from '../../domain/store.ts';
import { type Api, type Caller, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, failureSchema, json, messageOnly, success } from '../envelope.ts';
import { body, given, idOf, login, machineName } from '../fields.ts';
import { guarded } from '../guard.ts';
import { note } from '../journal.ts';
import { noMachine } from '../machine-access.ts';
import {
  algorithmsField,
  authField,
  descriptionField,
  hostField,
  hostKeyField,
  hostKeyPolicyField,
  indexField,
  kindField,
  pinnedKey,
  portField,
  recordInputField,
  recordingField,
  retentionField,
  tagsField,
} from '../machine-fields.ts';
import { machineSchema, machineView } from '../views/machine.ts';

const params = z.object({ id: idOf('mch') });

/** All that a machine has besides its credential, with what it is where nothing is said. */
const settings = {
  name: machineName,
  kind: kindField.default('ssh'),
  host: hostField,
  port: portField.default(22),
  username: login,
  tags: tagsField.default({}),
  description: descriptionField.default(''),
  recording: recordingField.default('required'),
  retention: retentionField.default(null),
  index: indexField.default(true),
  record_input: recordInputField.default(false),
  host_key: hostKeyField.nullable().default(null),
  host_key_policy: hostKeyPolicyField.default('accept-new'),
  algorithms: algorithmsField.default('modern'),
  jump_host: machineName.nullable().default(null),
};

const created = z.strictObject({ ...settings, auth: authField });
/**
 * A secret cannot be read back to be put again, so a replacement may leave it as it is; and leaving
 * out the pinned key does not unpin it.
 */
const replaced = z.strictObject({
  ...settings,
  auth: authField.optional(),
  host_key: hostKeyField.nullable().optional(),
});

const changed = z.strictObject({
  name: machineName.optional(),
  kind: kindField.optional(),
  host: hostField.optional(),
  port: portField.optional(),
  username: login.optional(),
  tags: tagsField.optional(),
  description: descriptionField.optional(),
  recording: recordingField.optional(),
  retention: retentionField.optional(),
  index: indexField.optional(),
  record_input: recordInputField.optional(),
  host_key: hostKeyField.nullable().optional(),
  host_key_policy: hostKeyPolicyField.optional(),
  algorithms: algorithmsField.optional(),
  jump_host: machineName.nullable().optional(),
  auth: authField.optional(),
});

const exists = json(failureSchema, 'The name is taken');

const createRoute = guarded('machines:write', {
  method: 'post',
  path: '/v1/machines',
  summary: 'A new machine',
  request: body(created),
  responses: { 201: json(enveloped(machineSchema), 'It was made'), 409: exists },
});

const replaceRoute = guarded('machines:write', {
  method: 'put',
  path: '/v1/machines/{id}',
  summary:
    'Everything of a machine anew; without auth its credential stays, without host_key the pinned key',
  request: { params, ...body(replaced) },
  responses: { 200: json(enveloped(machineSchema), 'It was replaced'), 409: exists },
});

const changeRoute = guarded('machines:write', {
  method: 'patch',
  path: '/v1/machines/{id}',
  summary: 'Some of a machine; a host_key of null unpins it',
  request: { params, ...body(changed) },
  responses: { 200: json(enveloped(machineSchema), 'It was changed'), 409: exists },
});

const removeRoute = guarded('machines:write', {
  method: 'delete',
  path: '/v1/machines/{id}',
  summary: 'Removes a machine and the grants on it; its sessions stay',
  request: { params },
  responses: { 200: json(messageOnly, 'It was removed') },
});

/** The machines that a session is on now; none when the counters do not answer. */
export async function connectedMachines(deps: ApiDeps): Promise<ReadonlySet<number>> {
  const counts = await deps.counters.active().catch(() => null);
  const busy = Object.entries(counts?.byMachine ?? {}).filter(([, count]) => count > 0);
  return new Set(busy.map(([id]) => Number(id)));
}

function newMachine(asked: z.infer<typeof created>, deps: ApiDeps): NewMachine {
  return {
    name: asked.name,
    kind: asked.kind,
    host: asked.host,
    port: asked.port,
    login: asked.username,
    credential: asked.auth,
    hostKey: pinnedKey(deps.parsePublicKey, asked.host_key, 'host_key'),
    hostKeyPolicy: asked.host_key_policy,
    algorithms: asked.algorithms,
    jump: asked.jump_host,
    recording: asked.recording,
    retention: asked.retention,
    indexed: asked.index,
    recordInput: asked.record_input,
    tags: asked.tags,
    description: asked.description,
  };
}

function changeOf(asked: z.infer<typeof changed>, deps: ApiDeps): Partial<NewMachine> {
  const hostKey =
    asked.host_key === undefined
      ? undefined
      : pinnedKey(deps.parsePublicKey, asked.host_key, 'host_key');
  return given({
    name: asked.name,
    kind: asked.kind,
    host: asked.host,
    port: asked.port,
    login: asked.username,
    credential: asked.auth,
    hostKey,
    hostKeyPolicy: asked.host_key_policy,
    algorithms: asked.algorithms,
    jump: asked.jump_host,
    recording: asked.recording,
    retention: asked.retention,
    indexed: asked.index,
    recordInput: asked.record_input,
    tags: asked.tags,
    description: asked.description,
  });
}

/** The store is as it is to be, in a transaction that a refusal undoes. */
async function checkJump(stores: Stores, machine: Machine): Promise<void> {
  const find = (name: string) => stores.machines.getByName(name);
  const problems = await jumpProblems(machine, find, 'jump_host');
  if (problems.length > 0) throw new PosternError('request.invalid', {}, { problems });
}

async function change(
  deps: ApiDeps,
  caller: Caller,
  id: number,
  asked: z.infer<typeof changed>,
): Promise<Machine> {
  const wanted = changeOf(asked, deps);
  return deps.store.transaction(async (stores) => {
    const machine = await stores.machines.update(id, wanted);
    if (machine === null) throw noMachine(id);
    await checkJump(stores, machine);
    const detail = { name: machine.name, fields: Object.keys(wanted).join(' ') };
    await note(stores, caller, deps.clock(), 'machine.changed', { machineId: id, detail });
    return machine;
  });
}

async function create(deps: ApiDeps, caller: Caller, wanted: NewMachine): Promise<Machine> {
  return deps.store.transaction(async (stores) => {
    const machine = await stores.machines.create(wanted);
    await checkJump(stores, machine);
    const detail = { name: machine.name, host: machine.host };
    await note(stores, caller, deps.clock(), 'machine.created', { machineId: machine.id, detail });
    return machine;
  });
}

async function remove(deps: ApiDeps, caller: Caller, id: number): Promise<void> {
  await deps.store.transaction(async (stores) => {
    const machine = await stores.machines.get(id);
    if (machine === null) throw noMachine(id);
    const { name } = machine;
    const behind = await stores.machines.behind(name);
    if (behind.length > 0) {
      const by = `the way to ${behind.join(', ')}`;
      throw new PosternError('thing.in_use', { kind: 'machine', name, by });
    }
    if (!(await stores.machines.remove(id))) throw noMachine(id);
    const detail = { name: machine.name };
    await note(stores, caller, deps.clock(), 'machine.removed', { machineId: id, detail });
  });
}

export function machineChangeRoutes(api: Api, deps: ApiDeps): void {
  const view = async (machine: Machine) =>
    success(machineView(machine, await connectedMachines(deps)));

  api.openapi(createRoute, async (c) => {
    const machine = await create(deps, callerOf(c), newMachine(c.req.valid('json'), deps));
    return c.json(await view(machine), 201);
  });

  api.openapi(replaceRoute, async (c) => {
    const { id } = c.req.valid('param');
    return c.json(await view(await change(deps, callerOf(c), id, c.req.valid('json'))), 200);
  });

  api.openapi(changeRoute, async (c) => {
    const { id } = c.req.valid('param');
    return c.json(await view(await change(deps, callerOf(c), id, c.req.valid('json'))), 200);
  });

  api.openapi(removeRoute, async (c) => {
    await remove(deps, callerOf(c), c.req.valid('param').id);
    return c.json({ success: true as const, message: 'Machine removed' }, 200);
  });
}
