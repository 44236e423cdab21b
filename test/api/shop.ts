import { expect } from 'vitest';
import type { User } from '../../src/domain/user.ts';
import * as example from '../store/examples.ts';
import { eventually } from '../support/eventually.ts';
import { running, startTestEngine, type TestContainer } from '../support/test-engine.ts';
import { type Answer, addUser, call, openStage, tokenFor } from './stage.ts';

/** A time as the API writes it. */
export const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/;

export const UNPERMITTED = 'Insufficient permissions - User lacks SSH key download permissions';

export type Shop = Awaited<ReturnType<typeof openShop>>;

/** Both services of shop, and what the other stacks have. */
const USUAL: readonly TestContainer[] = [
  ...running('shop', 'web', 'db'),
  ...running('one', 'web'),
  ...running('many', 'web'),
];

function setup(address: string) {
  const stack = {
    ...{ engine: address, login: 'root', recording: 'required' },
    ...{ session_limit: 15, over_limit: 'evict-oldest' },
  };
  const terms = {
    ...{ logins: [], forward_to: [], from_networks: [], until: null },
    ...{ max_session: null, idle_timeout: null },
  };
  const on = (user: string, name: string, allow: readonly string[]) => ({
    ...{ to: { user }, on: { stack: name }, allow, ...terms },
  });
  return {
    stacks: [
      { ...stack, name: 'shop', project: 'shop' },
      { ...stack, name: 'one', project: 'one', session_limit: 1, over_limit: 'reject' },
      { ...stack, name: 'many', project: 'many' },
      { ...stack, name: 'gone', project: 'gone', engine: 'unix:///nowhere/docker.sock' },
      { ...stack, name: 'metal', project: 'metal', kind: 'server', engine: null },
    ],
    grants: [
      ...['shop', 'one', 'many', 'gone', 'metal'].map((name) => on('ada', name, ['shell'])),
      on('ben', 'shop', ['shell', 'exec']),
      on('eve', 'shop', ['sftp']),
    ],
  };
}

/** The API with stacks whose engine lists what a test says, and people who differ in what they may. */
export async function openShop() {
  const stage = await openStage();
  const engine = await startTestEngine();
  const admin = await tokenFor(stage, null, ['admin']);
  const person = async (name: string, key: boolean): Promise<[User, string]> => {
    const user = await addUser(stage, name);
    if (key) await stage.store.users.addKey(user.id, example.key(name));
    return [user, await tokenFor(stage, user, ['redeploy', 'sessions:read', 'sessions:write'])];
  };
  const [ada, adaToken] = await person('ada', true);
  const [, benToken] = await person('ben', false);
  const [, eveToken] = await person('eve', true);
  const [, danToken] = await person('dan', true);
  const body = setup(engine.address);
  const applied = await call(stage, 'POST', '/v1/setup', { token: admin, body });
  expect([applied.status, applied.body.data?.changes.length]).toEqual([200, 12]);

  const create = (stack: string, asked: unknown, token = adaToken): Promise<Answer> =>
    call(stage, 'POST', `/v1/stacks/${stack}/sessions`, { token, body: asked });
  const get = (path: string, token = adaToken): Promise<Answer> =>
    call(stage, 'GET', path, { token });
  /** The action, once it has finished. */
  const finished = (stack: string, id: number, token = adaToken) =>
    eventually(`action ${id} finishes`, async () => {
      const answer = await get(`/v1/stacks/${stack}/actions/${id}`, token);
      return answer.body.finished_at === null ? null : answer.body;
    });
  const usual = (): void => {
    // A try before this one may have left it silent.
    engine.goOn();
    engine.containers = USUAL;
  };
  /** A new session that is ready; its id. */
  const ready = async (stack = 'shop', service = 'web', token = adaToken): Promise<number> => {
    usual();
    const made = await create(stack, { service_name: service }, token);
    const action = await finished(stack, made.body.id, token);
    expect(action).toMatchObject({ status: 'completed' });
    return action.session_id;
  };
  const close = async (): Promise<void> => {
    await stage.close();
    await engine[Symbol.asyncDispose]();
  };
  return {
    ...{ stage, engine, usual, create, get, finished, ready, close },
    /** Nobody's. */
    admin,
    /** Has a key, and the permission on every stack; ben on shop, without a key. */
    ...{ ada, adaToken, benToken },
    /** Has a grant on shop that allows no shell; dan has none. */
    ...{ eveToken, danToken },
  };
}

/** The status and the text of a failure of the family, whose three texts say the same. */
export function failure(answer: Answer): readonly [number, string] {
  const { error, error_description, details } = answer.body;
  expect(Object.keys(answer.body)).toEqual(['error', 'error_description', 'details']);
  expect(error_description).toBe(error);
  expect(details.startsWith(error)).toBe(true);
  return [answer.status, error];
}
