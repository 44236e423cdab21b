import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { OverLimitPolicy, PlaceAnswer } from '../../src/domain/place.ts';
import type { Stores } from '../../src/domain/store.ts';
import { type DatabaseKind, onBothDatabases, testStore } from '../support/database.ts';
import { needs } from '../support/requirements.ts';
import { machine, session, user } from './examples.ts';

const LIMIT = 15;
const refused = { outcome: 'refused' };
const granted = (...evicted: number[]): PlaceAnswer => ({ outcome: 'granted', evicted });

/** A store with somebody in it, and a way to sessions of theirs. */
async function stage(kind: DatabaseKind) {
  const opened = await testStore(kind);
  const { users, machines, sessions, places } = opened.store;
  const { id: userId } = await users.create(user({ name: 'ada' }));
  const { id: machineId } = await machines.create(machine({ name: 'web1' }));
  const begin = async (stores: Pick<Stores, 'sessions'> = { sessions }): Promise<number> =>
    (await stores.sessions.create(session({ userId, machineId }))).id;
  const end = (id: number) =>
    sessions.end(id, { endedAt: new Date(), reason: 'client_closed', bytesIn: 0, bytesOut: 0 });
  /** Whom somebody would evict who left room for nobody else: all that hold a place, oldest first. */
  const holders = async (service: string): Promise<readonly number[]> => {
    let evicted: readonly number[] = [];
    const trying = opened.store.transaction(async (stores) => {
      const wanted = { sessionId: await begin(stores), service, limit: 1 } as const;
      const answer = await stores.places.take({ ...wanted, policy: 'evict-oldest' });
      if (answer.outcome === 'granted') evicted = answer.evicted;
      throw new Error('only asked');
    });
    await expect(trying).rejects.toThrow('only asked');
    return evicted;
  };
  return { ...opened, places, begin, end, holders };
}

type Stage = Awaited<ReturnType<typeof stage>>;

onBothDatabases('places of sessions in a service', (kind) => {
  let here: Stage;
  let service = '';
  beforeAll(async () => {
    here = await stage(kind);
  });
  afterAll(() => here[Symbol.asyncDispose]());
  beforeEach(async () => {
    service = `shop/${randomUUID()}`;
    await here.store.sessions.sweep('node-a', new Date());
  });

  const take = (sessionId: number, limit: number, policy: OverLimitPolicy) =>
    here.places.take({ sessionId, service, limit, policy });
  const some = (count: number) => Promise.all(Array.from({ length: count }, () => here.begin()));

  test('are granted up to the limit; then the oldest loses its own, or the newest gets none', async () => {
    const [a = 0, b = 0, c = 0, d = 0] = await some(4);
    // Older by its place, not by its session.
    expect(await take(b, 2, 'reject')).toEqual(granted());
    expect(await take(a, 2, 'reject')).toEqual(granted());
    expect(await take(c, 2, 'reject')).toEqual(refused);
    expect(await take(c, 2, 'evict-oldest')).toEqual(granted(b));
    expect(await here.holders(service)).toEqual([a, c]);
    expect(await here.places.evicted()).toEqual([b]);
    expect(await take(d, 1, 'evict-oldest')).toEqual(granted(a, c));
    expect(await here.holders(service)).toEqual([d]);
  });

  test("are each service's own", async () => {
    const [a = 0, b = 0] = await some(2);
    expect(await take(a, 1, 'reject')).toEqual(granted());
    const other = { sessionId: b, service: `${service}/db`, limit: 1, policy: 'reject' } as const;
    expect(await here.places.take(other)).toEqual(granted());
    expect(await here.holders(other.service)).toEqual([b]);
  });

  test('answer the same when they are asked for again, and to who lost one nothing more', async () => {
    const [a = 0, b = 0] = await some(2);
    for (let i = 0; i < 3; i++) expect(await take(a, 1, 'evict-oldest')).toEqual(granted());
    for (let i = 0; i < 3; i++) expect(await take(b, 1, 'evict-oldest')).toEqual(granted(a));
    expect(await take(a, 1, 'evict-oldest')).toEqual(refused);
    expect(await here.holders(service)).toEqual([b]);
  });

  test('are free again when their session ends, however it does', async () => {
    const [a = 0, b = 0, c = 0, d = 0] = await some(4);
    expect(await take(a, 1, 'reject')).toEqual(granted());
    await here.end(a);
    expect(await take(b, 1, 'reject')).toEqual(granted());
    await here.end(b);
    expect(await here.holders(service)).toEqual([]);
    expect(await take(b, 1, 'reject')).toEqual(refused);
    expect(await take(c, 1, 'evict-oldest')).toEqual(granted());
    // As after a crash of its node.
    await here.store.sessions.sweep('node-a', new Date());
    expect(await take(d, 1, 'reject')).toEqual(refused);
    expect(await here.holders(service)).toEqual([]);
    expect(await take(await here.begin(), 1, 'reject')).toEqual(granted());
  });

  test('know who lost a place for as long as their sessions live', async () => {
    const [a = 0, b = 0] = await some(2);
    await take(a, 1, 'evict-oldest');
    await take(b, 1, 'evict-oldest');
    expect(await here.places.evicted()).toEqual([a]);
    await here.end(a);
    expect(await here.places.evicted()).toEqual([]);
  });

  test('are taken with the rest of a transaction or not at all; a limit below one lets none in', async () => {
    const first = await here.begin();
    await take(first, 1, 'reject');
    const trying = here.store.transaction(async (stores) => {
      const sessionId = await here.begin(stores);
      const wanted = { sessionId, service, limit: 1, policy: 'evict-oldest' } as const;
      expect(await stores.places.take(wanted)).toEqual(granted(first));
      throw new Error('changed my mind');
    });
    await expect(trying).rejects.toThrow('changed my mind');
    expect(await here.holders(service)).toEqual([first]);
    expect(await take(await here.begin(), 0, 'evict-oldest')).toEqual(refused);
    expect(await take(Number.MAX_SAFE_INTEGER, 1, 'evict-oldest')).toEqual(refused);
  });

  test.each(['evict-oldest', 'reject'] as const)(
    'hold under many at once with %s',
    async (policy) => {
      const ids = await some(100);
      const answers = await Promise.all(ids.map((id) => take(id, LIMIT, policy)));
      await holds(here, { service, policy, ids, answers });
    },
  );
});

needs('postgres').describe('places of sessions, from several processes', () => {
  test.each(['evict-oldest', 'reject'] as const)(
    'hold under 200 at once with %s',
    async (policy) => {
      const service = 'shop/web';
      await using here = await stage('postgres');
      const ids: number[] = [];
      for (let i = 0; i < 200; i++) ids.push(await here.begin());
      const { databaseUrl } = here.place;
      using running = new DisposableStack();
      const takers = [0, 1, 2, 3].map((one) => {
        const own = ids.filter((_, at) => at % 4 === one);
        return running.use(
          startTaker([databaseUrl ?? '', service, String(LIMIT), policy, own.join()]),
        );
      });
      for (const taker of takers) expect(await taker.ready()).toBe('ready');
      const answers = new Map((await Promise.all(takers.map((taker) => taker.takes()))).flat());
      expect(answers.size).toBe(ids.length);
      await holds(here, {
        service,
        policy,
        ids: [...answers.keys()],
        answers: [...answers.values()],
      });
    },
  );
});

/** What 200 takes must have left, in whatever order they came. */
async function holds(
  here: Stage,
  {
    service,
    policy,
    ids,
    answers,
  }: {
    readonly service: string;
    readonly policy: OverLimitPolicy;
    readonly ids: readonly number[];
    readonly answers: readonly PlaceAnswer[];
  },
): Promise<void> {
  const held = await here.holders(service);
  const took = ids.filter((_, i) => answers[i]?.outcome === 'granted');
  const evicted = answers.flatMap((answer) => (answer.outcome === 'granted' ? answer.evicted : []));
  expect(held).toHaveLength(LIMIT);
  expect([...held, ...evicted].toSorted()).toEqual(took.toSorted());
  expect(took).toHaveLength(policy === 'reject' ? LIMIT : ids.length);
  // In the order of taking: each window of the limit's size was evicted by the next, one by one.
  const victim = new Map(
    answers.map((answer, i) => [ids[i], answer.outcome === 'granted' ? answer.evicted : []]),
  );
  const order: number[] = [];
  for (let window = held; window.length > 0; ) {
    window = window.flatMap((id) => victim.get(id) ?? []);
    order.unshift(...window);
  }
  expect(await here.places.evicted()).toEqual(order);
}

/** A process that has the store open; told to, it takes a place for each session at once. */
function startTaker(args: readonly string[]) {
  const program = new URL('./place-taker.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [program, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => (await lines.next()).value ?? '';
  return {
    ready: next,
    async takes(): Promise<[number, PlaceAnswer][]> {
      child.stdin.end('now\n');
      return JSON.parse(await next());
    },
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  };
}
