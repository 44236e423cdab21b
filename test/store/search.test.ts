import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Command, TranscriptBlock } from '../../src/domain/analysis.ts';
import { type Found, type SearchFilter, searchedWords } from '../../src/domain/search.ts';
import { onBothDatabases, type TestStore, testStore } from '../support/database.ts';
import { machine, session, stack, user } from './examples.ts';

const BEGAN = new Date('2026-03-01T10:00:00.000Z');
const HOUR = 3_600_000;

/** What a session showed: the commands of it, and its blocks, one every ten seconds. */
interface Shown {
  readonly user?: 'ada' | 'bob';
  readonly machine?: 'web1' | 'db1' | 'quiet1';
  readonly at?: Date;
  readonly commands?: readonly string[];
  readonly blocks?: readonly string[];
}

onBothDatabases('search', (kind) => {
  let opened: TestStore;
  const users = new Map<string, number>();
  const machines = new Map<string, number>();

  beforeAll(async () => {
    opened = await testStore(kind);
    for (const name of ['ada', 'bob']) {
      users.set(name, (await opened.store.users.create(user({ name }))).id);
    }
    for (const name of ['web1', 'db1', 'quiet1']) {
      const made = machine({ name, indexed: name !== 'quiet1' });
      machines.set(name, (await opened.store.machines.create(made)).id);
    }
  });
  afterAll(async () => {
    await opened[Symbol.asyncDispose]();
  });

  async function shows(shown: Shown): Promise<{ session: number; recording: number }> {
    const { sessions, analyses } = opened.store;
    const { user: who = 'ada', machine: where = 'web1', at = BEGAN } = shown;
    const made = session({
      ...{ userId: users.get(who) ?? 0, machineId: machines.get(where) ?? 0 },
      ...{ userName: who, machineName: where, startedAt: at },
    });
    const { id } = await sessions.create(made);
    const key = `sess_${id}-1.cast`;
    await sessions.openRecording({ sessionId: id, channel: 1, key, startedAt: at });
    const recording = (await sessions.recordings(id))[0]?.id ?? 0;
    await analyses.begin(recording, 1);
    const commands = (shown.commands ?? []).map(
      (text, index): Command => ({
        ...{ channel: 1, index, start: index * 10, end: index * 10 + 1, text },
        ...{ exitStatus: 0, cwd: null, source: 'osc133', confidence: 'exact' },
      }),
    );
    const blocks = (shown.blocks ?? []).map(
      (text, index): TranscriptBlock => ({
        ...{ channel: 1, index, from: index * 10 + 1, to: index * 10 + 2, text },
        ...{ stream: 'terminal', kind: text.startsWith('$ ') ? 'prompt' : 'output' },
      }),
    );
    await analyses.write(recording, { commands, blocks });
    return { session: id, recording };
  }

  async function found(
    q: string,
    filter: Omit<SearchFilter, 'words'> = {},
    shown: (one: Found) => Found | null = (one) => one,
  ): Promise<readonly Found[]> {
    const words = searchedWords(q) ?? [];
    const request = { limit: 100, after: null, shown };
    const page = await opened.store.search.find({ words, ...filter }, request);
    expect(page.next).toBeNull();
    return page.hits;
  }

  /** As `recording reindex` does. */
  async function readAgain(recording: number, text: string): Promise<void> {
    await opened.store.analyses.begin(recording, 1);
    const command: Command = {
      ...{ channel: 1, index: 0, start: 0, end: 1, text },
      ...{ exitStatus: 0, cwd: null, source: 'osc133', confidence: 'exact' },
    };
    await opened.store.analyses.write(recording, { commands: [command], blocks: [] });
  }

  const texts = async (...asked: Parameters<typeof found>) =>
    (await found(...asked)).map(({ text }) => text);

  test('a part of a word, several words, words together, whatever the case and the script', async () => {
    const { session: id } = await shows({
      commands: ['systemctl restart Nginx', 'grep ÄRGER über.log'],
      blocks: [
        'Job for nginx.service FAILED.\nsee journalctl',
        'ΣΊΣΥΦΟΣ 日本語のテスト 🎉 100%_done\\x',
      ],
    });
    const mine = { sessionId: id };
    expect(await texts('gin', mine)).toEqual([
      'Job for nginx.service FAILED.\nsee journalctl',
      'systemctl restart Nginx',
    ]);
    expect(await texts('FAILED job', mine)).toHaveLength(1);
    expect(await texts('"failed job"', mine)).toHaveLength(0);
    expect(await texts('"job for" journal', mine)).toHaveLength(1);
    expect(await texts('ärger ÜBER', mine)).toEqual(['grep ÄRGER über.log']);
    expect(await texts('σίσυφος', mine)).toHaveLength(1);
    expect(await texts('本語の', mine)).toHaveLength(1);
    expect(await texts('100%_d', mine)).toHaveLength(1);
    expect(await texts('100_d', mine)).toHaveLength(0);
    expect(await texts('done\\x', mine)).toHaveLength(1);
    expect(await texts('nginx absent', mine)).toHaveLength(0);
  });

  test('where it is: the channel, the second, what is around it, whose', async () => {
    const { session: id } = await shows({
      user: 'bob',
      machine: 'db1',
      blocks: ['first', 'needle here', 'third'],
    });
    const [hit] = await found('needle', { sessionId: id });
    expect(hit).toMatchObject({
      ...{ kind: 'output', sessionId: id, channel: 1, second: 11, until: 12 },
      ...{ before: 'first', text: 'needle here', after: 'third' },
      ...{ userName: 'bob', machineName: 'db1', login: 'deploy', isLive: true },
    });
    expect(hit?.at).toEqual(new Date(BEGAN.getTime() + 11_000));
  });

  test('of one user, on one machine, at a time, of one kind', async () => {
    const later = new Date(BEGAN.getTime() + HOUR);
    await shows({ user: 'ada', machine: 'web1', commands: ['filterme a'], blocks: ['filterme b'] });
    await shows({ user: 'bob', machine: 'db1', at: later, commands: ['filterme c'] });
    expect(await texts('filterme')).toEqual(['filterme c', 'filterme b', 'filterme a']);
    expect(await texts('filterme', { userId: users.get('bob') ?? 0 })).toEqual(['filterme c']);
    expect(await texts('filterme', { machineId: machines.get('web1') ?? 0 })).toEqual([
      'filterme b',
      'filterme a',
    ]);
    expect(await texts('filterme', { kind: 'command' })).toEqual(['filterme c', 'filterme a']);
    expect(await texts('filterme', { kind: 'output' })).toEqual(['filterme b']);
    expect(await texts('filterme', { from: later })).toEqual(['filterme c']);
    expect(await texts('filterme', { to: later })).toEqual(['filterme b', 'filterme a']);
  });

  test('prompts are not found: their commands are', async () => {
    await shows({ commands: ['promptword'], blocks: ['$ promptword'] });
    expect(await texts('promptword')).toEqual(['promptword']);
  });

  test('page by page, each once, also those of one moment, while others come', async () => {
    const blocks = Array.from({ length: 7 }, (_, index) => `pageword ${index}`);
    await shows({ blocks });
    await shows({ blocks: blocks.map((text) => `${text} again`), commands: ['pageword command'] });
    const whole = await texts('pageword');
    expect(whole).toHaveLength(15);
    const seen: string[] = [];
    let after: Found | null = null;
    for (;;) {
      const words = ['pageword'];
      const shown = (one: Found) => one;
      const page = await opened.store.search.find({ words }, { limit: 4, after, shown });
      seen.push(...page.hits.map(({ text }) => text));
      if (page.next === null) break;
      after = page.hits.at(-1) ?? null;
      expect(page.next).toMatchObject({ at: after?.at, kind: after?.kind, id: after?.id });
      await shows({ at: new Date(BEGAN.getTime() + HOUR), blocks: ['pageword new'] });
    }
    expect(seen).toEqual(whole);
  });

  test('far behind the newest, the rare is found all the same', async () => {
    await shows({ at: new Date(BEGAN.getTime() - 9 * HOUR), blocks: ['xylophone rare'] });
    await shows({ blocks: Array.from({ length: 2500 }, (_, index) => `noise ${index}`) });
    expect(await texts('xylo')).toEqual(['xylophone rare']);
    expect(await texts('xylo rare', { kind: 'output' })).toEqual(['xylophone rare']);
    expect(await texts('xylo noise')).toEqual([]);
    expect(await found('xylo', { userId: users.get('bob') ?? 0 })).toEqual([]);
  });

  test('what a viewer is not to see is not there for them', async () => {
    await shows({ blocks: ['hideme one', 'hideme two', 'hideme three'] });
    const shown = (one: Found) => (one.text.includes('two') ? null : { ...one, text: 'covered' });
    expect(await texts('hideme', {}, shown)).toEqual(['covered', 'covered']);
  });

  test('of a machine that is out of search nothing is found, also when it is removed', async () => {
    const { machines: store } = opened.store;
    const here = await shows({
      machine: 'quiet1',
      commands: ['quietword a'],
      blocks: ['quietword'],
    });
    const log = { from: null, to: null, search: null };
    const page = { limit: 10, after: null };
    expect(await opened.store.analyses.log(here.session, log, page)).toHaveLength(2);
    expect(await texts('quietword')).toEqual([]);
    const made = await store.create(machine({ name: 'later-quiet' }));
    machines.set('db1', made.id);
    await shows({ machine: 'db1', commands: ['quietword b'] });
    expect(await texts('quietword')).toEqual(['quietword b']);
    await store.update(made.id, { indexed: false });
    expect(await texts('quietword')).toEqual([]);
    await store.remove(made.id);
    expect(await texts('quietword')).toEqual([]);
  });

  test('text of a machine that was out of search stays so when it is read again without it', async () => {
    const made = await opened.store.machines.create(
      machine({ name: 'gone-quiet', indexed: false }),
    );
    machines.set('db1', made.id);
    const commands = ['hushedword a'];
    const { session: id, recording } = await shows({ machine: 'db1', commands });
    await opened.store.machines.remove(made.id);
    await readAgain(recording, 'hushedword b');
    const log = { from: null, to: null, search: null };
    expect(await opened.store.analyses.log(id, log, { limit: 10, after: null })).toHaveLength(1);
    expect(await texts('hushedword')).toEqual([]);
  });

  test('text of a service that was out of search stays so without its stack', async () => {
    const { machines: store, stacks } = opened.store;
    const shop = await stacks.create(stack({ name: 'hushed-shop' }));
    const service = await stacks.machineOf(shop, 'web');
    machines.set('db1', service);
    const { recording } = await shows({ machine: 'db1', commands: ['murmured a'] });
    await store.update(service, { indexed: false });
    await stacks.remove(shop.id);
    expect(await texts('murmured')).toEqual([]);
    await readAgain(recording, 'murmured b');
    expect(await texts('murmured')).toEqual([]);
  });

  test('text of a machine that could be searched is found without it, also when it is read again', async () => {
    const made = await opened.store.machines.create(machine({ name: 'gone-loud' }));
    machines.set('db1', made.id);
    const { recording } = await shows({ machine: 'db1', commands: ['loudword a'] });
    await opened.store.machines.remove(made.id);
    expect(await texts('loudword')).toEqual(['loudword a']);
    await readAgain(recording, 'loudword b');
    expect(await texts('loudword')).toEqual(['loudword b']);
  });

  test('text goes with its recording', async () => {
    const { session: id, recording } = await shows({
      commands: ['goneword'],
      blocks: ['goneword'],
    });
    expect(await texts('goneword')).toHaveLength(2);
    await opened.store.sessions.closeRecording(id, 1, 'recovered', null, new Date());
    await opened.store.recordings.remove(recording, 'ada', new Date());
    expect(await texts('goneword')).toEqual([]);
  });
});
