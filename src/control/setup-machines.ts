import { auditStates } from '../domain/audit-state.ts';
import { type FieldProblem, PosternError } from '../domain/errors.ts';
import { jumpProblems } from '../domain/jump.ts';
import type { Machine, MachineCredential, MachineStore } from '../domain/machine.ts';
import type { SetupMachine } from '../domain/setup.ts';
import { allRows, differing, type SetupWork } from './setup-work.ts';

/** The fields as people write them, where that is not how they are called here. */
const WRITTEN: Readonly<Record<string, string>> = {
  credential: 'auth',
  hostKey: 'host_key',
  hostKeyPolicy: 'host_key_policy',
  indexed: 'index',
  recordInput: 'record_input',
  shellIntegration: 'shell_integration',
};

export async function applyMachines(work: SetupWork): Promise<void> {
  const { machines } = work.stores;
  for (const [at, wanted] of work.setup.machines.entries()) {
    const machine = await machines.getByName(wanted.name);
    if (machine === null) {
      const created = await machines.create(wanted);
      await work.changes.note(
        { action: 'create', kind: 'machine', name: wanted.name, fields: [] },
        {
          type: 'machine.created',
          machineId: created.id,
          detail: { host: wanted.host },
          states: auditStates(null, created),
        },
      );
      continue;
    }
    if ((machine.stackId ?? null) !== null) {
      const message = 'is a service of a stack, and is as the stack says';
      const problems = [{ field: `machines[${at}].name`, message }];
      throw new PosternError('request.invalid', {}, { problems });
    }
    const fields = await changedFields(machines, machine, wanted);
    if (fields.length === 0) continue;
    // Only what differs: a host key that is pinned meanwhile must not be overwritten.
    const change = Object.fromEntries(fields.map((field) => [field, wanted[field]]));
    const changed = await machines.update(machine.id, change);
    await work.changes.note(
      {
        action: 'update',
        kind: 'machine',
        name: wanted.name,
        fields: fields.map((field) => WRITTEN[field] ?? field),
      },
      {
        type: 'machine.changed',
        machineId: machine.id,
        detail: { host: wanted.host },
        states: auditStates(machine, changed),
      },
    );
  }
}

async function changedFields(
  machines: MachineStore,
  machine: Machine,
  wanted: SetupMachine,
): Promise<readonly (keyof SetupMachine)[]> {
  const { credential, hostKey, ...plain } = wanted;
  const fields: (keyof SetupMachine)[] = [...differing<typeof plain>(machine, plain)];
  if (hostKey !== null && hostKey !== machine.hostKey) fields.push('hostKey');
  const stored = await storedCredential(machines, machine.id);
  if (stored === null || !sameCredential(stored, credential)) fields.push('credential');
  return fields;
}

/** Null also for one that cannot be opened (sealed with another key): applying again mends it. */
async function storedCredential(
  machines: MachineStore,
  id: number,
): Promise<MachineCredential | null> {
  try {
    return await machines.credential(id);
  } catch (error) {
    if (error instanceof PosternError && error.code.startsWith('vault.')) return null;
    throw error;
  }
}

function sameCredential(a: MachineCredential, b: MachineCredential): boolean {
  if (a.type === 'key') {
    return b.type === 'key' && a.privateKey.expose() === b.privateKey.expose();
  }
  if (a.type === 'password') {
    return b.type === 'password' && a.password.expose() === b.password.expose();
  }
  return a.type === b.type;
}

/** Ways that lead back or too far, now that all machines are as they are to be. */
export async function brokenJumps(work: SetupWork): Promise<readonly FieldProblem[]> {
  const { machines } = work.stores;
  const problems: FieldProblem[] = [];
  for (const [at, { name }] of work.setup.machines.entries()) {
    const machine = await machines.getByName(name);
    if (machine === null || machine.jump === null) continue;
    const found = await jumpProblems(
      machine,
      (one) => machines.getByName(one),
      `machines[${at}].jump`,
    );
    problems.push(...found);
  }
  return problems;
}

/** Removes the machines that the setup lacks; those that are services go with their stacks alone. */
export async function pruneMachines(work: SetupWork): Promise<void> {
  const wanted = new Set(work.setup.machines.map(({ name }) => name));
  const all = await allRows((page) => work.stores.machines.list({}, page));
  const own = all.filter(({ stackId }) => (stackId ?? null) === null);
  for (const machine of own.filter(({ name }) => !wanted.has(name))) {
    await work.stores.machines.remove(machine.id);
    await work.changes.note(
      { action: 'remove', kind: 'machine', name: machine.name, fields: [] },
      { type: 'machine.removed', machineId: machine.id, states: auditStates(machine, null) },
    );
  }
}
