import { fork } from 'node:child_process';
import { once } from 'node:events';
import { LocalControlPlane } from '../../src/control/control-plane.ts';
import { ScryptPasswords } from '../../src/control/password.ts';
import type { ConnectionFacts, ControlPlane } from '../../src/domain/control-plane.ts';
import type { Counters } from '../../src/domain/counters.ts';
import type { Machine } from '../../src/domain/machine.ts';
import { Secret } from '../../src/domain/secret.ts';
import type { Store } from '../../src/domain/store.ts';
import type { User } from '../../src/domain/user.ts';
import { Calls } from '../../src/ipc/calls.ts';
import { childPeer } from '../../src/ipc/peer.ts';
import { remoteControlPlane, serveControlPlane } from '../../src/ipc/remote.ts';
import { openCounters } from '../../src/store/counters.ts';
import { grant, key, machine, user } from '../store/examples.ts';
import { silent } from '../store/options.ts';
import { testAuthority } from '../support/certificate-authority.ts';
import { testStore } from '../support/database.ts';
import { ownGuesses } from '../support/guesses.ts';
import { testJumpKeys } from '../support/jump-keys.ts';

export const PASSWORD = 'correct horse battery staple';
export const FACTS: ConnectionFacts = {
  connectionId: 'c-1',
  sourceAddress: '192.0.2.7',
  client: 'SSH-2.0-Test',
};

/** A control plane over a real store, with one person who may reach one machine. */
export interface PlaneStage extends AsyncDisposable {
  readonly local: LocalControlPlane;
  readonly store: Store;
  readonly counters: Counters;
  readonly alice: User;
  readonly key: { readonly algorithm: string; readonly blob: string };
  readonly web1: Machine;
}

export async function openPlaneStage(): Promise<PlaneStage> {
  await using opened = new AsyncDisposableStack();
  const { store } = opened.use(await testStore('embedded'));
  const counters = await openCounters({
    redisUrl: null,
    truth: store.counts,
    shared: false,
    log: silent,
  });
  opened.defer(() => counters.close());
  const passwords = new ScryptPasswords();
  const local = new LocalControlPlane({
    guesses: ownGuesses(),
    stores: store,
    counters,
    passwords,
    node: 'node-a',
    bastionKey: 'no key',
    certificates: testAuthority(),
    jumpKeys: testJumpKeys(),
    log: silent,
  });
  opened.defer(() => local.close(5000));
  const passwordHash = await passwords.hash(PASSWORD);
  const alice = await store.users.create(user({ name: 'alice', passwordHash }));
  const aliceKey = key('alice@home');
  await store.users.addKey(alice.id, aliceKey);
  const credential = { type: 'password', password: new Secret('of the machine') } as const;
  const web1 = await store.machines.create(machine({ name: 'web1', credential }));
  await store.grants.create(
    grant({ to: { userId: alice.id }, on: { machineId: web1.id }, until: new Date('2999-01-01') }),
  );
  const stack = opened.move();
  return {
    local,
    store,
    counters,
    alice,
    key: aliceKey,
    web1,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** The plane as it is asked: at hand, or through another process. */
export interface AskedPlane extends AsyncDisposable {
  readonly plane: ControlPlane;
}

export async function atHand(local: ControlPlane): Promise<AskedPlane> {
  return { plane: local, [Symbol.asyncDispose]: () => Promise.resolve() };
}

export async function throughProcess(local: ControlPlane): Promise<AskedPlane> {
  const child = fork(new URL('./relay-child.ts', import.meta.url), [], {
    serialization: 'advanced',
    execArgv: [],
  });
  const exit = once(child, 'exit');
  const calls = new Calls(childPeer(child), () => silent);
  serveControlPlane(calls, local);
  return {
    plane: remoteControlPlane(calls, silent),
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await exit;
    },
  };
}
