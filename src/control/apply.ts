import { type FieldProblem, PosternError } from '../domain/errors.ts';
import type { Passwords } from '../domain/password.ts';
import type { Setup, SetupApplier, SetupChange, SetupGrant } from '../domain/setup.ts';
import type { Store, Stores } from '../domain/store.ts';
import { applyAlerts } from './setup-alerts.ts';
import { applyAuthorities } from './setup-authorities.ts';
import { applyGrants, type Names } from './setup-grants.ts';
import { applyGroups, pruneGroups } from './setup-groups.ts';
import { applyMachines, brokenJumps, pruneMachines } from './setup-machines.ts';
import { applyStacks } from './setup-stacks.ts';
import { applyUsers, type NewHashes, newHashes, pruneUsers } from './setup-users.ts';
import { allRows, SetupChanges, type SetupWork } from './setup-work.ts';

type Options = Parameters<SetupApplier['apply']>[1];

/** Thrown to undo the transaction of a dry run. */
class DryRun extends Error {}

/**
 * Brings the store to what a setup says, in one transaction. A dry run does the same work and undoes
 * it, so its plan is what would happen.
 */
export class StoreSetupApplier implements SetupApplier {
  readonly #store: Store;
  readonly #passwords: Passwords;

  constructor(deps: { readonly store: Store; readonly passwords: Passwords }) {
    this.#store = deps.store;
    this.#passwords = deps.passwords;
  }

  async apply(setup: Setup, options: Options): Promise<readonly SetupChange[]> {
    refuse(repeated(setup));
    // Names first: nobody waits for hashing only to hear of a typing error.
    await checkNames(this.#store, setup, options.prune);
    const hashes = await newHashes(this.#store, setup.users, this.#passwords);
    let changes: readonly SetupChange[] = [];
    try {
      await this.#store.transaction(async (stores) => {
        changes = await applyTo(stores, setup, options, hashes);
        if (options.dryRun) throw new DryRun('undone');
      });
    } catch (error) {
      if (!(error instanceof DryRun)) throw error;
    }
    return changes;
  }
}

async function applyTo(
  stores: Stores,
  setup: Setup,
  options: Options,
  hashes: NewHashes,
): Promise<readonly SetupChange[]> {
  const changes = new SetupChanges(stores.audit, options.actor, options.source);
  const work: SetupWork = { stores, setup, prune: options.prune, changes };
  await applyUsers(work, hashes);
  await applyMachines(work);
  refuse(await brokenJumps(work));
  await applyStacks(work);
  await applyGroups(work, (await namesIn(stores)).users);
  await applyGrants(work, await namesIn(stores));
  await applyAlerts(work, await namesIn(stores));
  await applyAuthorities(work);
  if (options.prune) {
    await pruneGroups(work);
    await pruneMachines(work);
    await pruneUsers(work);
  }
  return changes.list;
}

async function namesIn(stores: Stores): Promise<Names> {
  const byName = (rows: readonly { readonly name: string; readonly id: number }[]) =>
    new Map(rows.map(({ name, id }) => [name, id]));
  return {
    users: byName(await allRows((page) => stores.users.list({}, page))),
    groups: byName(await allRows((page) => stores.groups.list(page))),
    machines: byName(await allRows((page) => stores.machines.list({}, page))),
    stacks: byName(await allRows((page) => stores.stacks.list({}, page))),
  };
}

function refuse(problems: readonly FieldProblem[]): void {
  if (problems.length > 0) throw new PosternError('request.invalid', {}, { problems });
}

/** Things that the setup has twice. */
function repeated(setup: Setup): FieldProblem[] {
  return (['users', 'groups', 'machines', 'stacks'] as const).flatMap((kind) => {
    const names = (setup[kind] ?? []).map(({ name }) => name);
    return names.flatMap((name, at) =>
      names.indexOf(name) === at
        ? []
        : [{ field: `${kind}[${at}].name`, message: `${name} is there twice` }],
    );
  });
}

/** Every name that the setup refers to must be in it, or in the store and not about to be pruned. */
async function checkNames(stores: Stores, setup: Setup, prune: boolean): Promise<void> {
  const stored = await namesIn(stores);
  const problems: FieldProblem[] = [];
  const check = (kind: keyof Names, name: string, field: string): void => {
    const listed = setup[kind];
    if (listed?.some((each) => each.name === name)) return;
    const one = kind.slice(0, -1);
    if (!stored[kind].has(name)) problems.push({ field, message: `there is no ${one} ${name}` });
    else if (prune && listed !== undefined) {
      problems.push({ field, message: `${one} ${name} is not in the file, so it would be pruned` });
    }
  };
  setup.machines.forEach(({ jump }, at) => {
    if (typeof jump === 'string') check('machines', jump, `machines[${at}].jump`);
  });
  setup.groups.forEach((group, at) => {
    group.members.forEach((member, nth) => {
      check('users', member, `groups[${at}].members[${nth}]`);
    });
  });
  const checkWho = (who: SetupGrant['to'], field: string): void => {
    if ('user' in who) check('users', who.user, `${field}.user`);
    else check('groups', who.group, `${field}.group`);
  };
  setup.grants.forEach(({ to, on, approval }, at) => {
    checkWho(to, `grants[${at}].to`);
    if (approval !== null) checkWho(approval, `grants[${at}].approval.by`);
    if (approval !== null && 'user' in approval && 'user' in to && approval.user === to.user) {
      const message = 'must be somebody else: nobody approves their own sessions';
      problems.push({ field: `grants[${at}].approval.by`, message });
    }
    if ('machine' in on) check('machines', on.machine, `grants[${at}].on.machine`);
    if ('stack' in on) check('stacks', on.stack, `grants[${at}].on.stack`);
  });
  refuse(problems);
}
