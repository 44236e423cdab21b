import { auditStates } from '../domain/audit-state.ts';
import type { NewStack } from '../domain/stack.ts';
import { allRows, differing, type SetupWork } from './setup-work.ts';

/** The fields as people write them, where that is not how they are called here. */
const WRITTEN: Readonly<Record<string, string>> = {
  project: 'compose_project',
  stackLabel: 'stack_label',
  serviceLabel: 'service_label',
  sessionLimit: 'session_limit',
  overLimit: 'over_limit',
};

/**
 * Stacks, and with pruning none but them; where the setup has no list, all stays as it is. What is pruned
 * takes the machines that its services are, and the grants on it, with it.
 */
export async function applyStacks(work: SetupWork): Promise<void> {
  const { setup, stores, prune, changes } = work;
  if (setup.stacks === undefined) return;
  for (const wanted of setup.stacks) {
    const now = await stores.stacks.getByName(wanted.name);
    const fields = now === null ? [] : differing<NewStack>(now, wanted);
    if (now !== null && fields.length === 0) continue;
    const stack =
      now === null
        ? await stores.stacks.create(wanted)
        : await stores.stacks.update(now.id, wanted);
    await changes.note(
      {
        action: now === null ? 'create' : 'update',
        kind: 'stack',
        name: wanted.name,
        fields: fields.map((field) => WRITTEN[field] ?? field),
      },
      {
        type: now === null ? 'stack.created' : 'stack.changed',
        detail: { engine: wanted.engine },
        states: auditStates(now, stack),
      },
    );
  }
  if (prune) await pruneStacks(work, new Set(setup.stacks.map(({ name }) => name)));
}

async function pruneStacks(
  { stores, changes }: SetupWork,
  kept: ReadonlySet<string>,
): Promise<void> {
  for (const stack of await allRows((page) => stores.stacks.list({}, page))) {
    const { id, name } = stack;
    if (kept.has(name)) continue;
    await stores.stacks.remove(id);
    const change = { action: 'remove', kind: 'stack', name, fields: [] } as const;
    await changes.note(change, { type: 'stack.removed', states: auditStates(stack, null) });
  }
}
