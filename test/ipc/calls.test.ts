import { expect, test } from 'vitest';
import type { ControlPlane } from '../../src/domain/control-plane.ts';
import { PosternError } from '../../src/domain/errors.ts';
import { Calls, PeerDown } from '../../src/ipc/calls.ts';
import type { Peer } from '../../src/ipc/peer.ts';
import { remoteControlPlane } from '../../src/ipc/remote.ts';
import { silent } from '../store/options.ts';
import { keptLog } from './kept-log.ts';

interface Echo {
  echo(value: unknown): Promise<unknown>;
}

/** Two peers in one process, with the copying that a channel between processes does. */
function pair(): { near: Peer; far: Peer; cut: () => void } {
  const lost: (() => void)[] = [];
  const listeners: ((message: unknown) => void)[][] = [[], []];
  const peer = (mine: number): Peer => ({
    send: (message) => {
      const copy: unknown = structuredClone(message);
      queueMicrotask(() => {
        for (const listener of listeners[1 - mine] ?? []) listener(copy);
      });
    },
    onMessage: (listener) => {
      listeners[mine]?.push(listener);
    },
    onLost: (listener) => {
      lost.push(listener);
    },
  });
  return {
    near: peer(0),
    far: peer(1),
    cut: () => {
      for (const listener of lost) listener();
    },
  };
}

const quiet = () => silent;
const never = (): Promise<unknown> => new Promise(() => undefined);

test('dates and bytes come out as they went in', async () => {
  const { near, far } = pair();
  new Calls(far, quiet).serve<Echo>({ echo: (value) => Promise.resolve(value) }, { echo: true });
  const value = { at: new Date(7), bytes: new Uint8Array([1, 2, 255]), none: null, list: [1, 'a'] };
  expect(await new Calls(near, quiet).call('echo', [value])).toEqual(value);
});

test('answers find their calls, whatever their order', async () => {
  const { near, far } = pair();
  const first = Promise.withResolvers<unknown>();
  const calls = new Calls(near, quiet);
  const target: Echo = {
    echo: (value) => (value === 1 ? first.promise : Promise.resolve(value)),
  };
  new Calls(far, quiet).serve<Echo>(target, { echo: true });
  const late = calls.call('echo', [1]);
  expect(await calls.call('echo', [2])).toBe(2);
  first.resolve('one');
  expect(await late).toBe('one');
});

test('an error of the catalogue crosses with code, parameters and problems; its cause is logged where it happened', async () => {
  const { near, far } = pair();
  const kept = keptLog();
  const problems = [{ field: 'name', message: 'is too long' }];
  const error = new PosternError(
    'thing.exists',
    { kind: 'user', name: 'alice' },
    { cause: new Error('duplicate key of table users'), problems },
  );
  new Calls(far, () => kept.log).serve<Echo>({ echo: () => Promise.reject(error) }, { echo: true });
  const refused = new Calls(near, quiet).call('echo', []).catch((thrown: unknown) => thrown);
  expect(await refused).toEqual(new PosternError('thing.exists', error.params, { problems }));
  expect(await refused).toHaveProperty('message', error.message);
  expect(await refused).not.toHaveProperty('cause');
  expect(kept.text()).toContain('duplicate key of table users');
});

test('any other error crosses as internal, thrown or rejected', async () => {
  const { near, far } = pair();
  const kept = keptLog();
  const target: Echo = {
    echo: (how) => {
      if (how === 'thrown') throw new TypeError('secret inside');
      return Promise.reject(new TypeError('secret inside'));
    },
  };
  new Calls(far, () => kept.log).serve<Echo>(target, { echo: true });
  const calls = new Calls(near, quiet);
  for (const how of ['thrown', 'rejected']) {
    const refused = await calls.call('echo', [how]).catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject({ code: 'internal', problems: [] });
    expect(String(refused)).not.toContain('secret inside');
  }
  expect(kept.text()).toContain('secret inside');
});

test('what is not served cannot be called', async () => {
  const { near, far } = pair();
  new Calls(far, quiet).serve<Echo>({ echo: never }, { echo: true });
  const calls = new Calls(near, quiet);
  for (const method of ['constructor', '__proto__', 'toString', 'other']) {
    await expect(calls.call(method, [])).rejects.toMatchObject({ code: 'internal' });
  }
});

test('an answer has a deadline, and coming late it harms nobody', async () => {
  const { near, far } = pair();
  const answer = Promise.withResolvers<unknown>();
  const target: Echo = { echo: (value) => (value === 1 ? answer.promise : Promise.resolve(value)) };
  new Calls(far, quiet).serve<Echo>(target, { echo: true });
  const calls = new Calls(near, quiet);
  await expect(calls.call('echo', [1], 1)).rejects.toThrow('no answer within 1 ms');
  answer.resolve('late');
  expect(await calls.call('echo', [2])).toBe(2);
});

test('only so many calls wait at once', async () => {
  const { near, far } = pair();
  const answer = Promise.withResolvers<unknown>();
  new Calls(far, quiet).serve<Echo>({ echo: () => answer.promise }, { echo: true });
  const calls = new Calls(near, quiet, { mostCalls: 2 });
  const two = [calls.call('echo', []), calls.call('echo', [])];
  await expect(calls.call('echo', [])).rejects.toBeInstanceOf(PeerDown);
  answer.resolve('now');
  expect(await Promise.all(two)).toEqual(['now', 'now']);
  expect(await calls.call('echo', [])).toBe('now');
});

test('an answer that cannot be copied is a failure', async () => {
  const { near, far } = pair();
  const target: Echo = { echo: () => Promise.resolve(() => undefined) };
  new Calls(far, quiet).serve<Echo>(target, { echo: true });
  const refused = new Calls(near, quiet).call('echo', []);
  await expect(refused).rejects.toMatchObject({ code: 'internal' });
});

test('a peer that keeps calling is answered up to a bound', async () => {
  const { near, far } = pair();
  new Calls(far, quiet, { mostCalls: 1 }).serve<Echo>({ echo: never }, { echo: true });
  const calls = new Calls(near, quiet, { deadlineMs: 50 });
  const answers = await Promise.allSettled([1, 2, 3].map((n) => calls.call('echo', [n])));
  expect(answers.map((answer) => answer.status === 'rejected' && answer.reason)).toEqual([
    expect.any(PeerDown),
    expect.any(PeerDown),
    expect.objectContaining({ code: 'internal' }),
  ]);
});

test('a lost peer fails what waits and what comes after', async () => {
  const { near, far, cut } = pair();
  new Calls(far, quiet).serve<Echo>({ echo: never }, { echo: true });
  const calls = new Calls(near, quiet);
  const waiting = calls.call('echo', []);
  cut();
  await expect(waiting).rejects.toBeInstanceOf(PeerDown);
  await expect(calls.call('echo', [])).rejects.toBeInstanceOf(PeerDown);
});

test('messages that are none are passed over', async () => {
  const { near, far } = pair();
  const kept = keptLog();
  new Calls(far, () => kept.log).serve<Echo>({ echo: (v) => Promise.resolve(v) }, { echo: true });
  for (const strange of [null, 7, 'call', {}, { type: 'call' }, { type: 'other', id: 1 }]) {
    near.send(strange);
  }
  expect(await new Calls(near, quiet).call('echo', ['still here'])).toBe('still here');
  expect(kept.text().match(/could not be read/g)).toHaveLength(6);
});

test('without a control process questions fail in words for users, and facts settle', async () => {
  const { near, cut } = pair();
  const kept = keptLog();
  const plane: ControlPlane = remoteControlPlane(new Calls(near, quiet), kept.log);
  const facts = { connectionId: 'c', sourceAddress: '192.0.2.7', client: 'x' };
  const question = plane.authorize({ userId: 1, userName: 'a', proof: null }, noWish, facts);
  const fact = plane.closeSession(1, 'client_lost', { bytesIn: 0, bytesOut: 0 });
  cut();
  await expect(question).rejects.toMatchObject({
    code: 'control.down',
    message: 'the bastion does not answer; try again later',
  });
  await expect(fact).resolves.toBeUndefined();
  expect(kept.text()).toContain('closeSession');
});

const noWish = { machine: null, login: null };
