import { z } from '@hono/zod-openapi';
import { auditStates } from '../../domain/audit-state.ts';
import { PosternError } from '../../domain/errors.ts';
import { jumpProblems } from '../../domain/jump.ts';
import type { Machine, NewMachine } from '../../domain/machine.ts';
import type { Stores } from '../../domain/store.ts';
import type { AskedReach } from '../asked-reach.ts';
import { type Api, type Caller, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, failureSchema, json, messageOnly, success } from '../envelope.ts';
import { refuse } from '../errors.ts';
import { body, given, idOf } from '../fields.ts';
import { guarded } from '../guard.ts';
import { note } from '../journal.ts';
import { noMachine } from '../machine-access.ts';
import { machineChangeBody, newMachineBody } from '../machine-body.ts';
import { pinnedKey } from '../machine-fields.ts';
import { changedReach, credentialOf, reachOf } from '../machine-reach.ts';
import { loginOf, podPlaceOf } from '../pod-reach.ts';
import { recount } from '../recount.ts';
import { refuseStackFields } from '../stack-machines.ts';
import { machineSchema, machineView } from '../views/machine.ts';

/** What is asked for. */
type New = z.infer<typeof newMachineBody>;
type Change = z.infer<typeof machineChangeBody>;

const params = z.object({ id: idOf('mch') });

const exists = json(failureSchema, 'The name is taken');

const createRoute = guarded('machines:write', {
  method: 'post',
  path: '/v1/machines',
  summary: 'A new machine',
  request: body(newMachineBody),
  responses: { 201: json(enveloped(machineSchema), 'It was made'), 409: exists },
});

const replaceRoute = guarded('machines:write', {
  method: 'put',
  path: '/v1/machines/{id}',
  summary:
    'Everything of a machine anew; without auth its credential stays, without host_key the pinned key',
  request: { params, ...body(newMachineBody) },
  responses: { 200: json(enveloped(machineSchema), 'It was replaced'), 409: exists },
});

const changeRoute = guarded('machines:write', {
  method: 'patch',
  path: '/v1/machines/{id}',
  summary: 'Some of a machine; a host_key of null unpins it',
  request: { params, ...body(machineChangeBody) },
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

const NAMES = { before: '', jump: 'jump_host' };

function reachAsked(asked: New | Change, kind: AskedReach['kind']): AskedReach {
  return {
    kind,
    host: asked.host,
    port: asked.port,
    auth: asked.auth,
    jump: asked.jump_host,
    hostKey: asked.host_key,
    hostKeyPolicy: asked.host_key_policy,
    algorithms: asked.algorithms,
    engine: asked.engine,
    container: asked.container,
    shell: asked.shell,
    cluster: asked.cluster,
    namespace: asked.namespace,
    pod: asked.pod,
    selector: asked.selector,
  };
}

function newMachine(asked: New, deps: ApiDeps): NewMachine {
  const reached = reachAsked(asked, asked.kind);
  return {
    ...reachOf(reached, NAMES, deps.parsePublicKey),
    credential: credentialOf(reached, NAMES),
    name: asked.name,
    login: loginOf(asked.kind, asked.username, 'username'),
    recording: asked.recording,
    retention: asked.retention,
    indexed: asked.index,
    recordInput: asked.record_input,
    shellIntegration: asked.shell_integration,
    tags: asked.tags,
    description: asked.description,
  };
}

function changeOf(machine: Machine, asked: Change, deps: ApiDeps): Partial<NewMachine> {
  const { kind } = machine;
  const { username } = asked;
  return given({
    ...changedReach(machine, reachAsked(asked, asked.kind ?? kind), NAMES, deps.parsePublicKey),
    name: asked.name,
    login: username === undefined ? undefined : loginOf(kind, username, 'username'),
    recording: asked.recording,
    retention: asked.retention,
    indexed: asked.index,
    recordInput: asked.record_input,
    shellIntegration: asked.shell_integration,
    tags: asked.tags,
    description: asked.description,
  });
}

/** A replacement as a change. What is wrong is told before what is missing. */
function wholeOf(asked: New, deps: ApiDeps): Change {
  const whole = wholeReach(asked, deps);
  loginOf(asked.kind, asked.username, 'username');
  return whole;
}

/** What of ssh was left out is as where nothing is said. */
function wholeReach(asked: New, deps: ApiDeps): Change {
  if (asked.kind === 'docker') {
    if (asked.engine === undefined) refuse('engine', 'is missing');
    if (asked.container === undefined) refuse('container', 'is missing');
    return { ...asked, shell: asked.shell ?? [] };
  }
  if (asked.kind === 'kubernetes') {
    podPlaceOf(reachAsked(asked, asked.kind), NAMES);
    return { ...asked, container: asked.container ?? null, shell: asked.shell ?? [] };
  }
  pinnedKey(deps.parsePublicKey, asked.host_key ?? null, 'host_key');
  if (asked.host === undefined) refuse('host', 'is missing');
  return {
    ...asked,
    port: asked.port ?? 22,
    host_key_policy: asked.host_key_policy ?? 'accept-new',
    algorithms: asked.algorithms ?? 'modern',
    jump_host: asked.jump_host ?? null,
  };
}

/** The store is as it is to be, in a transaction that a refusal undoes. */
async function checkJump(stores: Stores, machine: Machine): Promise<void> {
  const find = (name: string) => stores.machines.getByName(name);
  const problems = await jumpProblems(machine, find, 'jump_host');
  if (problems.length > 0) throw new PosternError('request.invalid', {}, { problems });
}

async function change(deps: ApiDeps, caller: Caller, id: number, asked: Change): Promise<Machine> {
  return deps.store.transaction(async (stores) => {
    const before = await stores.machines.get(id);
    if (before === null) throw noMachine(id);
    const wanted = changeOf(before, asked, deps);
    refuseStackFields(before, wanted);
    const machine = await stores.machines.update(id, wanted);
    if (machine === null) throw noMachine(id);
    await checkJump(stores, machine);
    const detail = { name: machine.name, fields: Object.keys(wanted).join(' ') };
    await note(stores, caller, deps.clock(), 'machine.changed', {
      machineId: id,
      detail,
      states: auditStates(before, machine),
    });
    return machine;
  });
}

async function create(deps: ApiDeps, caller: Caller, wanted: NewMachine): Promise<Machine> {
  return deps.store.transaction(async (stores) => {
    const machine = await stores.machines.create(wanted);
    await checkJump(stores, machine);
    const detail = { name: machine.name, host: machine.host };
    await note(stores, caller, deps.clock(), 'machine.created', {
      machineId: machine.id,
      detail,
      states: auditStates(null, machine),
    });
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
    await note(stores, caller, deps.clock(), 'machine.removed', {
      machineId: id,
      detail: { name },
      states: auditStates(machine, null),
    });
  });
  await recount(deps);
}

export function machineChangeRoutes(api: Api, deps: ApiDeps): void {
  const view = async ({ viewer }: Caller, machine: Machine) =>
    success(machineView(machine, await connectedMachines(deps), viewer));

  api.openapi(createRoute, async (c) => {
    const caller = callerOf(c);
    const machine = await create(deps, caller, newMachine(c.req.valid('json'), deps));
    return c.json(await view(caller, machine), 201);
  });

  api.openapi(replaceRoute, async (c) => {
    const { id } = c.req.valid('param');
    const caller = callerOf(c);
    const whole = wholeOf(c.req.valid('json'), deps);
    return c.json(await view(caller, await change(deps, caller, id, whole)), 200);
  });

  api.openapi(changeRoute, async (c) => {
    const { id } = c.req.valid('param');
    const caller = callerOf(c);
    return c.json(await view(caller, await change(deps, caller, id, c.req.valid('json'))), 200);
  });

  api.openapi(removeRoute, async (c) => {
    await remove(deps, callerOf(c), c.req.valid('param').id);
    return c.json({ success: true as const, message: 'Machine removed' }, 200);
  });
}
