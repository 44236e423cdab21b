import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Command, TranscriptBlock } from '../../src/domain/analysis.ts';
import { onBothDatabases, type TestStore, testStore } from '../support/database.ts';
import { machine, session, user } from './examples.ts';

const BEGAN = new Date('2026-03-01T10:00:00.000Z');
const NODE = 'node-a';

function command(index: number, text: string, change: Partial<Command> = {}): Command {
  return {
    channel: 1,
    index,
    start: index * 10,
    end: index * 10 + 1,
    text,
    exitStatus: 0,
    cwd: '/srv',
    source: 'osc133',
    confidence: 'exact',
    ...change,
  };
}

function block(
  index: number,
  text: string,
  change: Partial<TranscriptBlock> = {},
): TranscriptBlock {
  return {
    channel: 1,
    index,
    from: index * 10 + 0.5,
    to: index * 10 + 1,
    text,
    stream: 'terminal',
    kind: 'output',
    ...change,
  };
}

onBothDatabases('what was read off recordings', (kind) => {
  let opened: TestStore;
  let who: { readonly userId: number; readonly machineId: number };

  beforeAll(async () => {
    opened = await testStore(kind);
    const ada = await opened.store.users.create(user({ name: 'ada' }));
    const web1 = await opened.store.machines.create(machine({ name: 'web1' }));
    who = { userId: ada.id, machineId: web1.id };
  });
  afterAll(async () => {
    await opened[Symbol.asyncDispose]();
  });

  /** A session with a recording of its first channel that goes on. */
  async function recorded(): Promise<{ readonly session: number; readonly recording: number }> {
    const { sessions } = opened.store;
    const { id } = await sessions.create(session({ ...who, startedAt: BEGAN, node: NODE }));
    const key = `2026/03/01/sess_${id}-1.cast`;
    await sessions.openRecording({ sessionId: id, channel: 1, key, startedAt: BEGAN });
    const [recording] = await sessions.recordings(id);
    return { session: id, recording: recording?.id ?? 0 };
  }

  const close = (id: number) =>
    opened.store.sessions.closeRecording(id, 1, 'recovered', null, new Date());

  const dueOf = async (node: string, id: number) =>
    (await opened.store.analyses.due(node, 1000)).find(({ sessionId }) => sessionId === id);

  test('a recording waits from its beginning on, and until its analysis has an end', async () => {
    const { analyses } = opened.store;
    const { session: id, recording } = await recorded();
    const key = `2026/03/01/sess_${id}-1.cast`;
    const due = { recordingId: recording, sessionId: id, channel: 1, key };
    expect(await dueOf(NODE, id)).toEqual({ ...due, isLive: true });
    expect(await dueOf('node-b', id)).toBeUndefined();
    expect(await analyses.begin(recording, 1)).toBe(true);
    await close(id);
    expect(await dueOf(NODE, id)).toEqual({ ...due, isLive: false });
    await analyses.end(recording, null);
    expect(await dueOf(NODE, id)).toBeUndefined();
    expect(await analyses.ofSession(id)).toEqual([
      { recordingId: recording, channel: 1, state: 'done', reason: null },
    ]);
  });

  test('is asked for again of one session, and where an earlier version did it', async () => {
    const { analyses } = opened.store;
    const { session: id, recording } = await recorded();
    await close(id);
    await analyses.begin(recording, 3);
    await analyses.end(recording, 'broken');
    expect(await analyses.ofSession(id)).toMatchObject([{ state: 'failed', reason: 'broken' }]);
    await analyses.outdated(NODE, 3);
    expect(await dueOf(NODE, id)).toBeUndefined();
    expect(await analyses.again(id)).toBe(1);
    expect(await dueOf(NODE, id)).toBeDefined();
    await analyses.begin(recording, 3);
    await analyses.end(recording, null);
    expect(await analyses.outdated(NODE, 4)).toBeGreaterThanOrEqual(1);
    expect(await dueOf(NODE, id)).toBeDefined();
  });

  test('the later one of an index counts, and so does the session', async () => {
    const { analyses, sessions } = opened.store;
    const { session: id, recording } = await recorded();
    await analyses.begin(recording, 1);
    const first = command(0, 'make', { end: null, exitStatus: null });
    await analyses.write(recording, { commands: [first], blocks: [block(0, 'cc')] });
    expect((await sessions.get(id))?.commandsCount).toBe(1);
    const later = {
      commands: [command(0, 'make all'), command(1, 'ls')],
      blocks: [block(0, 'ld')],
    };
    await analyses.write(recording, later);
    await analyses.write(recording, later);
    expect((await sessions.get(id))?.commandsCount).toBe(2);
    const page = { limit: 10, after: null };
    expect(await analyses.commands(id, page)).toEqual([
      { ...command(0, 'make all'), startedAt: BEGAN },
      { ...command(1, 'ls'), startedAt: new Date(BEGAN.getTime() + 10_000) },
    ]);
    expect(await analyses.blocks(id, 1, { from: 0, limit: 10 })).toEqual([block(0, 'ld')]);
    expect(await analyses.begin(recording, 1)).toBe(true);
    expect(await analyses.commands(id, page)).toEqual([]);
    expect((await sessions.get(id))?.commandsCount).toBe(0);
  });

  test('a log has commands and output in the order of time, in pages, within bounds', async () => {
    const { analyses } = opened.store;
    const { session: id, recording } = await recorded();
    await analyses.begin(recording, 1);
    await analyses.write(recording, {
      commands: [command(0, 'make'), command(1, 'ls')],
      blocks: [
        block(0, '$ make', { kind: 'prompt', from: 0 }),
        block(1, 'cc 100%', { from: 0.5 }),
        block(2, 'Makefile', { from: 10.5 }),
      ],
    });
    const any = { from: null, to: null, search: null };
    const all = await analyses.log(id, any, { limit: 10, after: null });
    expect(all.map(({ text }) => text)).toEqual(['make', 'cc 100%', 'ls', 'Makefile']);
    const texts: string[] = [];
    let after = null;
    for (;;) {
      const [entry] = await analyses.log(id, any, { limit: 1, after });
      if (entry === undefined) break;
      texts.push(entry.text);
      after = entry;
    }
    expect(texts).toEqual(['make', 'cc 100%', 'ls', 'Makefile']);
    const some = async (filter: object) => {
      const found = await analyses.log(id, { ...any, ...filter }, { limit: 10, after: null });
      return found.map(({ text }) => text);
    };
    expect(await some({ search: 'MAKE' })).toEqual(['make', 'Makefile']);
    expect(await some({ search: '0%' })).toEqual(['cc 100%']);
    expect(await some({ from: 0.5, to: 10 })).toEqual(['cc 100%', 'ls']);
  });

  test('goes with its recording, and nothing comes after', async () => {
    const { analyses, recordings } = opened.store;
    const { session: id, recording } = await recorded();
    await analyses.begin(recording, 1);
    await analyses.write(recording, { commands: [command(0, 'ls')], blocks: [block(0, 'x')] });
    await close(id);
    expect(await recordings.remove(recording, 'ada', new Date())).toBe('removed');
    const page = { limit: 10, after: null };
    expect(await analyses.commands(id, page)).toEqual([]);
    expect(await analyses.blocks(id, 1, { from: 0, limit: 10 })).toEqual([]);
    expect(await analyses.ofSession(id)).toEqual([]);
    expect(await analyses.write(recording, { commands: [command(0, 'ls')], blocks: [] })).toBe(
      false,
    );
    expect(await analyses.begin(recording, 1)).toBe(false);
  });
});
