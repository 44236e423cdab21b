import { auditStates } from '../domain/audit-state.ts';
import { allRows, type SetupWork } from './setup-work.ts';

export async function applyGroups(
  work: SetupWork,
  userIds: ReadonlyMap<string, number>,
): Promise<void> {
  const { groups } = work.stores;
  for (const { name, members, retention = null } of work.setup.groups) {
    const ids = [...new Set(members.map((member) => userIds.get(member) ?? 0))].sort(
      (a, b) => a - b,
    );
    const detail = { members: members.join(', '), ...(retention !== null && { retention }) };
    const group = await groups.getByName(name);
    if (group === null) {
      const created = await groups.create(name, ids, retention);
      await work.changes.note(
        { action: 'create', kind: 'group', name, fields: [] },
        { type: 'group.created', detail, states: auditStates(null, created) },
      );
      continue;
    }
    const fields: string[] = [];
    if ([...group.members].sort((a, b) => a - b).join() !== ids.join()) {
      await groups.setMembers(group.id, ids);
      fields.push('members');
    }
    if (group.retention !== retention) {
      await groups.setRetention(group.id, retention);
      fields.push('retention');
    }
    if (fields.length === 0) continue;
    await work.changes.note(
      { action: 'update', kind: 'group', name, fields },
      {
        type: 'group.changed',
        detail,
        states: auditStates(group, await groups.get(group.id)),
      },
    );
  }
}

/** Removes the groups that the setup lacks; the grants to them are gone by then. */
export async function pruneGroups(work: SetupWork): Promise<void> {
  const wanted = new Set(work.setup.groups.map(({ name }) => name));
  const all = await allRows((page) => work.stores.groups.list(page));
  for (const group of all.filter(({ name }) => !wanted.has(name))) {
    await work.stores.groups.remove(group.id);
    await work.changes.note(
      { action: 'remove', kind: 'group', name: group.name, fields: [] },
      { type: 'group.removed', states: auditStates(group, null) },
    );
  }
}
