import { auditStates } from '../domain/audit-state.ts';
import { allRows, differing, type SetupWork } from './setup-work.ts';

/** Authorities, and with pruning none but them; where the setup has no list, all stays as it is. */
export async function applyAuthorities(work: SetupWork): Promise<void> {
  const { setup, stores, prune, changes } = work;
  const kind = 'certificate_authority';
  const wanted = setup.certificateAuthorities;
  if (wanted === undefined) return;
  if (prune) {
    const names = new Set(wanted.map(({ name }) => name));
    const all = await allRows((page) => stores.authorities.list(page));
    for (const gone of all.filter((each) => !names.has(each.name))) {
      await stores.authorities.remove(gone.id);
      const change = { action: 'remove', kind, name: gone.name, fields: [] } as const;
      await changes.note(change, { type: 'authority.removed', states: auditStates(gone, null) });
    }
  }
  for (const { name, ...fields } of wanted) {
    const now = await stores.authorities.getByName(name);
    const detail = { fingerprint: fields.fingerprint };
    if (now === null) {
      const made = await stores.authorities.create({ name, ...fields });
      const change = { action: 'create', kind, name, fields: [] } as const;
      await changes.note(change, {
        type: 'authority.created',
        detail,
        states: auditStates(null, made),
      });
      continue;
    }
    const { algorithm, blob, fingerprint, matchUserName, principals } = now;
    const stored = { algorithm, blob, fingerprint, matchUserName, principals };
    const changed = differing(stored, fields);
    if (changed.length === 0) continue;
    const made = await stores.authorities.update(now.id, fields);
    const change = { action: 'update', kind, name, fields: changed } as const;
    await changes.note(change, {
      type: 'authority.changed',
      detail,
      states: auditStates(now, made),
    });
  }
}
