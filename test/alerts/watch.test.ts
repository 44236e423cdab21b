import { afterAll, beforeAll, expect, test } from 'vitest';
import { AlertWatch, checkPattern } from '../../src/alerts/watch.ts';
import type { NewAlertRule } from '../../src/domain/alert.ts';
import type { AnalysisChanges } from '../../src/domain/analysis.ts';
import { Automaton } from '../../src/redact/automaton.ts';
import { grant, machine, session, user } from '../store/examples.ts';
import { silent } from '../store/options.ts';
import { onBothDatabases, type TestStore, testStore } from '../support/database.ts';

const PAGE = { limit: 100 };

/** What a recording was found to hold: a command, and output a second behind it. */
function held(command: string, output = 'nothing', second = 1): AnalysisChanges {
  return {
    commands: [
      {
        ...{ channel: 1, index: 0, start: second, end: null, text: command, exitStatus: null },
        ...{ cwd: null, source: 'osc133', confidence: 'exact' },
      },
    ],
    blocks: [
      {
        ...{ channel: 1, index: 0, from: second + 1, to: second + 1, text: output },
        ...{ stream: 'terminal', kind: 'output' },
      },
    ],
  };
}

test.each([
  ['rm\\s+-rf', 'sudo rm  -rf /', true],
  ['rm\\s+-rf', 'rm -r', false],
  ['\\bsu\\b', 'then su -', true],
  ['\\bsu\\b', 'sudo ls', false],
  ['^root:', 'a\nroot:x:0', true],
  ['^root:', 'the root:x', false],
  ['a.*b.*c', 'xxaxxbxxcxx', true],
])('%j in %j: %j', (pattern, text, isIn) => {
  expect(Automaton.of(pattern).isIn(text)).toBe(isIn);
});

test.each(['(', 'a*', '(?=x)', '(a)\\1'])('the pattern %j is refused', (pattern) => {
  expect(() => checkPattern(pattern)).toThrow('is not possible');
});

test('a pattern that makes others hang takes a time in proportion to the text', () => {
  const nasty = Automaton.of('(a+)+b|(x+x+)+y');
  expect(nasty.isIn('a'.repeat(100_000))).toBe(false);
  expect(nasty.isIn('x'.repeat(100_000))).toBe(false);
});

onBothDatabases('alerts', (kind) => {
  let opened: TestStore;
  let adas: { readonly userId: number; readonly machineId: number };
  let group: number;

  beforeAll(async () => {
    opened = await testStore(kind);
    const { users, machines, groups } = opened.store;
    const ada = await users.create(user({ name: 'ada' }));
    const web1 = await machines.create(machine({ name: 'web1', tags: { env: 'prod' } }));
    adas = { userId: ada.id, machineId: web1.id };
    group = (await groups.create('ops', [ada.id], null)).id;
  });
  afterAll(async () => {
    await opened[Symbol.asyncDispose]();
  });

  async function recorded(): Promise<{ readonly session: number; readonly recording: number }> {
    const { sessions } = opened.store;
    const { id } = await sessions.create(session({ ...adas, startedAt: new Date() }));
    const startedAt = new Date();
    await sessions.openRecording({ sessionId: id, channel: 1, key: `${id}.cast`, startedAt });
    return { session: id, recording: (await sessions.recordings(id))[0]?.id ?? 0 };
  }

  /** A watch over these rules alone. */
  async function watching(...rules: readonly (Partial<NewAlertRule> & { name: string })[]) {
    const { alerts } = opened.store;
    for (const { id } of await alerts.rules()) await alerts.remove(id);
    for (const rule of rules) {
      await alerts.create({
        ...{ pattern: 'rm -rf', kind: null, machineId: null, groupId: null },
        ...rule,
      });
    }
    const ended: { readonly id: number; readonly by: string }[] = [];
    const watch = new AlertWatch({ alerts, log: silent });
    watch.endsBy({
      terminate: (id, _, by) => {
        ended.push({ id, by });
        return Promise.resolve(true);
      },
    });
    return { watch, ended };
  }

  const raised = async (sessionId: number) => {
    const { rows } = await opened.store.audit.list({ type: 'alert.raised', sessionId }, PAGE);
    return rows.map(({ detail }) => detail).toReversed();
  };

  test('what matches raises an audit event that says where, and nothing of what it was', async () => {
    const { session: id, recording } = await recorded();
    const { watch } = await watching({ name: 'deletes' }, { name: 'never', pattern: 'mkfs' });
    await watch.look(recording, held('rm -rf /srv/secret', 'rm -rf: denied'));
    expect(await raised(id)).toEqual([{ rule: 'deletes', kind: 'command', channel: 1, second: 1 }]);
  });

  test('only in commands, or only in output, as the rule says', async () => {
    const { session: id, recording } = await recorded();
    const { watch } = await watching(
      { name: 'typed', kind: 'command' },
      { name: 'seen', kind: 'output' },
    );
    await watch.look(recording, held('ls', 'rm -rf'));
    expect(await raised(id)).toMatchObject([{ rule: 'seen', kind: 'output', second: 2 }]);
  });

  test('once a minute of a recording, however often it is looked at', async () => {
    const { session: id, recording } = await recorded();
    const { watch } = await watching({ name: 'deletes' });
    await watch.look(recording, held('rm -rf a'));
    await watch.look(recording, held('rm -rf a'));
    await watch.look(recording, held('rm -rf b', '', 30));
    await watch.look(recording, held('rm -rf c', '', 61));
    expect(await raised(id)).toMatchObject([{ second: 1 }, { second: 61 }]);
  });

  test('on the machine and of the members that the rule is for', async () => {
    const { machines, groups } = opened.store;
    const other = await machines.create(machine({ name: 'db1' }));
    const nobody = await groups.create('nobody', [], null);
    const { session: id, recording } = await recorded();
    const { watch } = await watching(
      { name: 'here', machineId: adas.machineId },
      { name: 'there', machineId: other.id },
      { name: 'ops', groupId: group },
      { name: 'nobody', groupId: nobody.id },
    );
    await watch.look(recording, held('rm -rf'));
    expect((await raised(id)).map(({ rule }) => rule).sort()).toEqual(['here', 'ops']);
  });

  test('not for what had ended before the rule was made', async () => {
    const { session: id, recording } = await recorded();
    const before = new Date(Date.now() - 60_000);
    await opened.store.sessions.closeRecording(id, 1, 'recovered', null, before);
    const { watch } = await watching({ name: 'deletes' });
    await watch.look(recording, held('rm -rf'));
    expect(await raised(id)).toEqual([]);
  });

  test('the session is ended where a grant that is in force for it says so', async () => {
    const { grants } = opened.store;
    const { session: id, recording } = await recorded();
    const { watch, ended } = await watching({ name: 'deletes' });
    const to = { userId: adas.userId };
    const plain = await grants.create(grant({ to, on: { machineId: adas.machineId } }));
    expect(plain.endOnAlert).toBe(false);
    await watch.look(recording, held('rm -rf'));
    expect(ended).toEqual([]);
    const on = { tag: { key: 'env', value: 'prod' } };
    const past = new Date(Date.now() - 1000);
    await grants.create(grant({ to, on, endOnAlert: true, until: past }));
    await grants.create(grant({ to, on, endOnAlert: true, logins: ['root'] }));
    await watch.look(recording, held('rm -rf', '', 61));
    expect(ended).toEqual([]);
    const ends = await grants.create(grant({ to: { groupId: group }, on, endOnAlert: true }));
    await watch.look(recording, held('rm -rf', '', 121));
    expect(ended).toEqual([{ id, by: 'alert deletes' }]);
    await grants.remove(ends.id);
  });

  test('each sink is told of what was raised since it was there, in order', async () => {
    const { alertFeed: feed } = opened.store;
    const began = await feed.begin('alerts:test', 'node-a');
    const { session: id, recording } = await recorded();
    const { watch } = await watching({ name: 'deletes' });
    await watch.look(recording, held('rm -rf', '', 5));
    await watch.look(recording, held('rm -rf', '', 65));
    const told = await feed.next('node-a', began, 10);
    expect(told).toMatchObject([
      { rule: 'deletes', sessionId: id, channel: 1, second: 5, userName: 'ada' },
      { rule: 'deletes', second: 65, machineName: 'web1', login: 'deploy', node: 'node-a' },
    ]);
    const first = told[0]?.number ?? 0;
    await feed.delivered('alerts:test', 'node-a', first);
    expect(await feed.begin('alerts:test', 'node-a')).toBe(first);
    expect(await feed.next('node-b', 0, 10)).toEqual([]);
  });
});
