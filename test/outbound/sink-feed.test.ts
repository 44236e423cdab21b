import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NotedSeal } from '../../src/domain/seal-sink.ts';
import type { Sink } from '../../src/domain/sink.ts';
import { SinkFeed } from '../../src/outbound/sink-feed.ts';
import { listeningLog } from '../recorder/lab.ts';
import { machine, seal, session, user } from '../store/examples.ts';
import { onBothDatabases, type TestStore, testStore } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';

/** Keeps what it takes; refuses while `away`. */
class Shelf implements Sink<NotedSeal> {
  readonly type = 'file';
  readonly label = 'a shelf';
  readonly id: string;
  readonly taken: NotedSeal[] = [];
  away = false;
  refused = 0;

  constructor(id: string) {
    this.id = id;
  }

  deliver(seals: readonly NotedSeal[]): Promise<void> {
    if (this.away) {
      this.refused += 1;
      return Promise.reject(new Error('away'));
    }
    this.taken.push(...seals);
    return Promise.resolve();
  }

  get parts(): readonly number[] {
    return this.taken.map((one) => one.seal.part);
  }
}

onBothDatabases('the seals of a node', (kind) => {
  let opened: TestStore;
  let sessionId: number;
  const log = listeningLog();

  beforeAll(async () => {
    opened = await testStore(kind);
    const { users, machines, sessions, seals } = opened.store;
    const ada = await users.create(user({ name: 'ada' }));
    const web1 = await machines.create(machine({ name: 'web1' }));
    const made = await sessions.create(session({ userId: ada.id, machineId: web1.id }));
    sessionId = made.id;
    await sessions.openRecording({ sessionId, channel: 1, key: 'x', startedAt: new Date() });
    await seals.add(sessionId, 1, seal(1));
  });
  afterAll(async () => {
    await opened[Symbol.asyncDispose]();
  });

  const feed = async (sink: Sink<NotedSeal>, node = 'node-a'): Promise<SinkFeed<NotedSeal>> => {
    const store = opened.store.sealFeed;
    const made = new SinkFeed({
      ...{ what: 'seals', sink, store, node, log },
      periodMs: 10,
      pauses: [10, 20],
    });
    await made.begin();
    return made;
  };
  const note = (...parts: readonly number[]): Promise<unknown> =>
    parts.reduce<Promise<unknown>>(
      (before, part) => before.then(() => opened.store.seals.add(sessionId, 1, seal(part))),
      Promise.resolve(),
    );

  test('are brought to a sink from its first day on, in order, and once', async () => {
    const shelf = new Shelf('first');
    const bringing = await feed(shelf);
    await note(2, 3, 3);
    await eventually('both are there', () => shelf.taken.length === 2);
    expect(shelf.taken[0]).toEqual({
      ...{ number: expect.any(Number), sessionId, channel: 1, key: 'x', node: 'node-a' },
      seal: seal(2),
    });
    await bringing.close(5000);
    expect(shelf.parts).toEqual([2, 3]);
    const other = await feed(new Shelf('first'), 'node-b');
    expect(other.state).toEqual({ type: 'file', state: 'up' });
    await other.close(5000);
  });

  test('wait for a sink that is away, also over a new start', async () => {
    const shelf = new Shelf('second');
    shelf.away = true;
    const bringing = await feed(shelf);
    await note(4);
    await eventually('it is behind', () => bringing.state.state === 'behind');
    await eventually('it is tried again', () => shelf.refused > 3);
    const said = log.lines.filter(({ message }) => message.includes('cannot be noted outside'));
    expect(said).toHaveLength(1);
    await bringing.close(5000);
    await note(5);
    const next = new Shelf('second');
    const again = await feed(next);
    await eventually('they are there', () => next.taken.length === 2);
    expect(next.parts).toEqual([4, 5]);
    await again.close(5000);
  });

  test('are brought once more when it stops', async () => {
    const shelf = new Shelf('third');
    const store = opened.store.sealFeed;
    // Longer than the test: the last look is the one that closing takes.
    const bringing = new SinkFeed({
      what: 'seals',
      ...{ sink: shelf, store, node: 'node-a', log },
      periodMs: 600_000,
    });
    await bringing.begin();
    const many = Array.from({ length: 250 }, (_, index) => index + 6);
    await note(...many);
    await bringing.close(20_000);
    expect(shelf.parts).toEqual(many);
  });
});
