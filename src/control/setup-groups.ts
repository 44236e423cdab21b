import { allRows, type SetupWork } from './setup-work.ts';

export async function applyGroups(
  work: SetupWork,
  userIds: ReadonlyMap<string, number>,
): Promise<void> {
  const { groups } = work.stores;
  for (const { name, members } of work.setup.groups) {
    const ids = [...new Set(members.map((member) => userIds.get(member) ?? 0))].sort(
      (a, b) => a - b,
    );
    const group = await groups.getByName(name);
    if (group === null) {
      await groups.create(name, ids);
      await work.changes.note(
        { action: 'create', kind: 'group', name, fields: [] },
        { type: 'group.created', detail: { members: members.join(', ') } },
      );
    } else if ([...group.members].sort((a, b) => a - b).join() !== ids.join()) {
      await groups.setMembers(group.id, ids);
      await work.changes.note(
        { action: 'update', kind: 'group', name, fields: ['members'] },
        { type: 'group.changed', detail: { members: members.join(', ') } },
      );
    }
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
      { type: 'group.removed' },
    );
  }
}
