import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { BackgroundContainerSessions } from '../../src/control/container-sessions.ts';
import { ServiceContainers } from '../../src/control/service-containers.ts';
import { StackServices } from '../../src/control/stack-services.ts';
import { LocalChanges } from '../../src/domain/changes.ts';
import { Meters } from '../../src/domain/meters.ts';
import type { Store, Stores } from '../../src/domain/store.ts';
import { Engines } from '../../src/engine/engine.ts';
import { listeningLog } from '../recorder/lab.ts';
import { grant, machine, session, stack, user } from '../store/examples.ts';
import { type TestStore, testStore } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';

/** More than are dealt with at once. */
const MANY = 100;

let opened: TestStore;
beforeAll(async () => {
  opened = await testStore('embedded');
});
afterAll(() => opened?.[Symbol.asyncDispose]());

/** The store, where the end of these sessions cannot be noted. */
function without(store: Store, stuck: ReadonlySet<number>): Store {
  const transaction: Store['transaction'] = (work) =>
    store.transaction((stores) => {
      const append: typeof stores.audit.append = (event) =>
        stuck.has(event.sessionId ?? 0)
          ? Promise.reject(new Error('it cannot be noted'))
          : stores.audit.append(event);
      return work({ ...stores, audit: replaced(stores.audit, 'append', append) });
    });
  return replaced(store, 'transaction', transaction);
}

function replaced<T extends object>(of: T, name: keyof T, by: unknown): T {
  return new Proxy(of, {
    get: (target, asked) => (asked === name ? by : Reflect.get(target, asked)),
  });
}

test.each([
  ['whose users have not come in time', 'unused'],
  ['whose users may not come any more', 'access_revoked'],
] as const)(
  'sessions %s end behind many that cannot',
  { timeout: 120_000 },
  async (_who, reason) => {
    const { store } = opened;
    const name = reason.replace('_', '-');
    const { id: userId } = await store.users.create(user({ name: `${name}-${Date.now()}` }));
    const { id: machineId } = await store.machines.create(machine({ name: `m-${userId}` }));
    const { id: stackId } = await store.stacks.create(stack({ name: `s-${userId}` }));
    const isLate = reason === 'unused';
    if (isLate) {
      await store.grants.create(grant({ to: { userId }, on: { stackId }, allow: ['shell'] }));
    }
    const expiresAt = new Date(Date.now() + (isLate ? -1 : 3_600_000));
    const make = async (stores: Stores): Promise<number> => {
      const about = { stackId, service: 'web', code: 'abcdefgh', expiresAt, tokenId: null };
      return (await stores.containerSessions.create(session({ userId, machineId }), about)).id;
    };
    const made = await store.transaction(async (stores) => {
      const ids: number[] = [];
      for (let one = 0; one < MANY + 2; one += 1) ids.push(await make(stores));
      return ids;
    });
    const [stuck, behind] = [new Set(made.slice(0, MANY)), made.slice(MANY)];

    const services = new StackServices(new Engines({ certificates: null }));
    const sessions = new BackgroundContainerSessions({
      ...{ store: without(store, stuck), node: 'node-b', meters: new Meters(), waitMs: 1 },
      counters: { count: () => Promise.resolve() },
      containers: new ServiceContainers(services, () => Promise.resolve()),
      gateway: { terminate: () => Promise.resolve(true) },
      log: listeningLog(),
    });
    sessions.begin(new LocalChanges());
    onTestFinished(() => sessions.close());
    for (const id of behind) {
      const hasEnded = async (): Promise<boolean> => {
        const session = await store.sessions.get(id);
        return session?.status === 'stopped' && session.endReason === reason;
      };
      await eventually('it ends', hasEnded, 60_000);
    }
    for (const id of stuck) {
      expect(await store.sessions.get(id)).toMatchObject({ status: 'pending' });
    }
  },
);
