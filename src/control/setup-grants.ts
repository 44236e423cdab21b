import { auditStates } from '../domain/audit-state.ts';
import type { Grant, GrantOn, GrantTo, NewGrant } from '../domain/grant.ts';
import type { SetupGrant } from '../domain/setup.ts';
import { allRows, canonical, differing, type SetupWork } from './setup-work.ts';

/** Ids by name, of everything that a setup may refer to. */
export interface Names {
  readonly users: ReadonlyMap<string, number>;
  readonly groups: ReadonlyMap<string, number>;
  readonly machines: ReadonlyMap<string, number>;
  readonly stacks: ReadonlyMap<string, number>;
}

const WRITTEN: Readonly<Record<string, string>> = {
  forwardTo: 'forward_to',
  fromNetworks: 'from_networks',
  maxSession: 'max_session',
  idleTimeout: 'idle_timeout',
  endOnAlert: 'end_on_alert',
  shellIntegration: 'shell_integration',
};

/** What a grant says, without what it is to and on; lists in order, for they are sets. */
function termsOf(grant: NewGrant) {
  return {
    logins: [...grant.logins].sort(),
    allow: [...grant.allow].sort(),
    forwardTo: [...grant.forwardTo].sort(),
    fromNetworks: [...grant.fromNetworks].sort(),
    until: grant.until?.toISOString() ?? null,
    maxSession: grant.maxSession,
    idleTimeout: grant.idleTimeout,
    mfa: grant.mfa ?? false,
    endOnAlert: grant.endOnAlert ?? false,
    shellIntegration: grant.shellIntegration ?? false,
    approval: canonical(grant.approval),
  };
}

interface Wanted {
  readonly grant: NewGrant;
  readonly name: string;
}

/** Who and what, as a key: grants have no names, so this is how one is known again. */
function ends(grant: { readonly to: GrantTo; readonly on: GrantOn }): string {
  return canonical({ to: grant.to, on: grant.on });
}

function sameTerms(a: NewGrant, b: NewGrant): boolean {
  return differing(termsOf(a), termsOf(b)).length === 0;
}

function resolve(wanted: SetupGrant, names: Names): Wanted {
  const { to, on, approval, ...terms } = wanted;
  const idOf = (who: SetupGrant['to']): GrantTo =>
    'user' in who
      ? { userId: names.users.get(who.user) ?? 0 }
      : { groupId: names.groups.get(who.group) ?? 0 };
  const grant: NewGrant = {
    ...terms,
    to: idOf(to),
    approval: approval === null ? null : idOf(approval),
    on: onOf(on, names),
  };
  const who = 'user' in to ? `user ${to.user}` : `group ${to.group}`;
  return { grant, name: `${who} on ${whatOf(on)} (${wanted.allow.join(', ')})` };
}

function onOf(on: SetupGrant['on'], names: Names): GrantOn {
  if ('machine' in on) return { machineId: names.machines.get(on.machine) ?? 0 };
  return 'stack' in on ? { stackId: names.stacks.get(on.stack) ?? 0 } : on;
}

function whatOf(on: SetupGrant['on']): string {
  if ('machine' in on) return `machine ${on.machine}`;
  return 'stack' in on ? `stack ${on.stack}` : `tag ${on.tag.key}=${on.tag.value}`;
}

/**
 * Makes the grants be what the setup says. One that is there word for word is left alone. One of the
 * same user or group on the same machine or tag that says something else is replaced, so that what a
 * file takes back is taken back without --prune; what the file does not speak of goes with it alone.
 */
export async function applyGrants(work: SetupWork, names: Names): Promise<void> {
  const all = await allRows((page) => work.stores.grants.list({}, page));
  // What was given as a level is changed where it was given: the next giving would take it from the file.
  const levels = all.filter(({ level }) => level !== null);
  const stored = new Set(all.filter(({ level }) => level === null));
  const missing: Wanted[] = [];
  const met: NewGrant[] = [];
  for (const wanted of work.setup.grants.map((grant) => resolve(grant, names))) {
    const same = (grant: NewGrant): boolean =>
      ends(grant) === ends(wanted.grant) && sameTerms(grant, wanted.grant);
    const found = [...stored].find(same);
    if (found === undefined && !met.some(same)) missing.push(wanted);
    if (found !== undefined) stored.delete(found);
    met.push(wanted.grant);
  }
  for (const wanted of missing) {
    const old = [...stored].find((grant) => ends(grant) === ends(wanted.grant));
    if (old !== undefined) stored.delete(old);
    await put(work, wanted, old ?? null);
  }
  if (work.prune) await pruneGrants(work, [...stored, ...levels], names);
}

async function put(work: SetupWork, wanted: Wanted, old: Grant | null): Promise<void> {
  const { grants } = work.stores;
  if (old !== null) await grants.remove(old.id);
  const created = await grants.create(wanted.grant);
  const fields = old === null ? [] : differing(termsOf(old), termsOf(wanted.grant));
  await work.changes.note(
    {
      action: old === null ? 'create' : 'update',
      kind: 'grant',
      name: wanted.name,
      fields: fields.map((field) => WRITTEN[field] ?? field),
    },
    {
      type: 'grant.created',
      detail: { grant: created.id, ...(old === null ? {} : { replaces: old.id }) },
      ...about(created),
      states: auditStates(old, created),
    },
  );
}

function about(grant: Grant): { userId?: number; machineId?: number } {
  return {
    ...('userId' in grant.to ? { userId: grant.to.userId } : {}),
    ...('machineId' in grant.on ? { machineId: grant.on.machineId } : {}),
  };
}

async function pruneGrants(work: SetupWork, grants: readonly Grant[], names: Names): Promise<void> {
  const nameOf = (ids: ReadonlyMap<string, number>, id: number): string =>
    [...ids].find(([, each]) => each === id)?.[0] ?? String(id);
  for (const grant of grants) {
    const { to, on } = grant;
    const who =
      'userId' in to
        ? `user ${nameOf(names.users, to.userId)}`
        : `group ${nameOf(names.groups, to.groupId)}`;
    const what = whatOf(
      'machineId' in on
        ? { machine: nameOf(names.machines, on.machineId) }
        : 'stackId' in on
          ? { stack: nameOf(names.stacks, on.stackId) }
          : on,
    );
    await work.stores.grants.remove(grant.id);
    await work.changes.note(
      {
        action: 'remove',
        kind: 'grant',
        name: `${who} on ${what} (${grant.allow.join(', ')})`,
        fields: [],
      },
      {
        type: 'grant.removed',
        detail: { grant: grant.id },
        ...about(grant),
        states: auditStates(grant, null),
      },
    );
  }
}
