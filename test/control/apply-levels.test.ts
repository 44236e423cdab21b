import { expect, test } from 'vitest';
import { StoreSetupApplier } from '../../src/control/apply.ts';
import { ScryptPasswords } from '../../src/control/password.ts';
import type { Setup, SetupGrant, SetupMachine, SetupUser } from '../../src/domain/setup.ts';
import * as example from '../store/examples.ts';
import { testStore } from '../support/database.ts';

const alice: SetupUser = {
  ...{ name: 'alice', email: null, role: 'member', keys: [], password: null },
};
const web1: SetupMachine = { ...example.machine({ name: 'web1' }), hostKey: null };
const onWeb1: SetupGrant = {
  ...{ to: { user: 'alice' }, on: { machine: 'web1' }, logins: [], allow: ['shell'] },
  ...{ forwardTo: [], fromNetworks: [], until: null, approval: null },
  ...{ maxSession: null, idleTimeout: null },
};

test('a set-up takes no level for a grant of its own, and removes levels with --prune alone', async () => {
  await using opened = await testStore('embedded');
  const { users, machines, grants } = opened.store;
  const applier = new StoreSetupApplier({ store: opened.store, passwords: new ScryptPasswords() });
  const caller = { actor: 'eve', source: '192.0.2.7' };
  const apply = async (list: readonly SetupGrant[], prune = false) => {
    const setup: Setup = { users: [alice], groups: [], machines: [web1], grants: list };
    const changes = await applier.apply(setup, { ...caller, dryRun: false, prune });
    return changes.filter(({ kind }) => kind === 'grant').map(({ action, name }) => [action, name]);
  };

  await apply([]);
  const userId = (await users.getByName('alice'))?.id ?? 0;
  const machineId = (await machines.getByName('web1'))?.id ?? 0;
  await grants.setLevels(userId, [{ machineId, level: 'connect_only' }]);
  expect(await apply([onWeb1])).toEqual([['create', 'user alice on machine web1 (shell)']]);
  expect(await apply([onWeb1])).toEqual([]);
  await grants.setLevels(userId, []);
  expect(await apply([onWeb1])).toEqual([]);
  await grants.setLevels(userId, [{ machineId, level: 'read_only' }]);
  expect(await apply([{ ...onWeb1, allow: ['exec'] }])).toHaveLength(1);
  expect((await grants.forUser(userId, [])).map(({ level }) => level)).toEqual(['read_only', null]);
  expect(await apply([{ ...onWeb1, allow: ['exec'] }], true)).toEqual([
    ['remove', 'user alice on machine web1 ()'],
  ]);
  expect((await grants.forUser(userId, [])).map(({ level }) => level)).toEqual([null]);
});
