import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NodeGateway } from '../../src/control/node-gateway.ts';
import { PostgresBus } from '../../src/store/node-bus.ts';
import { type Place, place } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { HeldSession } from '../support/held-session.ts';
import { needs } from '../support/requirements.ts';
import { silent } from './options.ts';

needs('postgres').describe('the bus between nodes', () => {
  let where: Place;
  let pool: pg.Pool;
  beforeAll(async () => {
    where = await place('postgres');
    pool = new pg.Pool({ connectionString: where.databaseUrl ?? '' });
    pool.on('error', () => undefined);
  });
  afterAll(async () => {
    await pool.end();
    await where[Symbol.asyncDispose]();
  });

  async function bus(node: string): Promise<PostgresBus & Disposable> {
    const made = new PostgresBus({ pool, node, log: silent });
    await made.open();
    return Object.assign(made, { [Symbol.dispose]: () => made.close() });
  }

  const holders = { get: (id: number) => Promise.resolve({ node: id === 1 ? 'a' : 'b' } as never) };

  test('tells of a change here at once and there soon, once each', async () => {
    using a = await bus('a');
    using b = await bus('b');
    const heard: string[] = [];
    a.subscribe(() => heard.push('a'));
    b.subscribe(() => heard.push('b'));
    a.publish();
    expect(heard).toEqual(['a']);
    await eventually('the other hears', () => heard.includes('b'));
    b.publish();
    await eventually('and back', () => heard.length === 4);
    expect(heard.toSorted()).toEqual(['a', 'a', 'b', 'b']);
  });

  test('ends a session on the node that holds it, and says so', async () => {
    using a = await bus('a');
    using b = await bus('b');
    const [one, two] = [new HeldSession(1), new HeldSession(2)];
    const atA = new NodeGateway({ here: one, bus: a, node: 'a', sessions: holders });
    new NodeGateway({ here: two, bus: b, node: 'b', sessions: holders });
    expect(await atA.terminate(1, 'terminated', 'root')).toBe(true);
    expect(await atA.terminate(2, 'terminated', 'root')).toBe(true);
    // Named as b's, and not there (any more): no, without waiting.
    const before = performance.now();
    expect(await atA.terminate(3, 'terminated', 'root')).toBe(false);
    expect(performance.now() - before).toBeLessThan(4000);
    expect(one.asked).toEqual([[1, 'terminated', 'root']]);
    expect(two.asked).toEqual([[2, 'terminated', 'root']]);
  });

  test('answers no for a node that does not answer, and at once when it is closed', async () => {
    const a = await bus('a');
    const atA = new NodeGateway({
      here: new HeldSession(1),
      bus: a,
      node: 'a',
      sessions: holders,
    });
    const before = performance.now();
    expect(await atA.terminate(2, 'terminated', 'root')).toBe(false);
    expect(performance.now() - before).toBeGreaterThan(4000);
    const waiting = atA.terminate(2, 'terminated', 'root');
    a.close();
    expect(await waiting).toBe(false);
  });

  test('is heard again after its connection broke, and looks for what it missed', async () => {
    using a = await bus('a');
    using b = await bus('b');
    let heard = 0;
    b.subscribe(() => {
      heard += 1;
    });
    const other = new pg.Client({ connectionString: where.databaseUrl ?? '' });
    await other.connect();
    await other.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`);
    await other.end();
    await eventually('it listens again, and says that it was deaf', () => heard > 0);
    const before = heard;
    await eventually('word comes', () => {
      a.publish();
      return heard > before;
    });
  });
});
