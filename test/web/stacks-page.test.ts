import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FollowedServices } from '../../src/control/running-services.ts';
import { CONSOLE_COOKIE, hashBearer, newBearer } from '../../src/domain/bearer.ts';
import { LocalChanges } from '../../src/domain/changes.ts';
import type { User } from '../../src/domain/user.ts';
import { Engines } from '../../src/engine/engine.ts';
import { createConsole } from '../../src/web/console.ts';
import { addUser, openStage, type Stage } from '../api/stage.ts';
import { grant, stack } from '../store/examples.ts';
import { eventually } from '../support/eventually.ts';
import { running, startTestEngine, type TestEngine } from '../support/test-engine.ts';
import { consoleDeps } from './deps.ts';

let stage: Stage;
let engine: TestEngine;
let followed: FollowedServices;
let web: ReturnType<typeof createConsole>;
let alice: string;
let mallory: string;

async function cookieFor(user: User): Promise<string> {
  const secret = newBearer();
  await stage.store.tokens.create({
    ...{ userId: user.id, kind: 'web', name: 'browser', scopes: ['sessions:read'] },
    ...{ expiresAt: null, hash: await hashBearer(secret) },
  });
  return `${CONSOLE_COOKIE}=${secret}`;
}

beforeAll(async () => {
  stage = await openStage();
  engine = await startTestEngine();
  const { store, log } = stage;
  const engines = new Engines({ certificates: null });
  followed = new FollowedServices({ stores: store, engines, log });
  web = createConsole(consoleDeps(stage, followed));
  const user = await addUser(stage, 'alice');
  alice = await cookieFor(user);
  mallory = await cookieFor(await addUser(stage, 'mallory'));
  const { id } = await store.stacks.create(stack({ name: 'shop', engine: engine.address }));
  await store.grants.create(grant({ to: { userId: user.id }, on: { stackId: id } }));
  followed.begin(new LocalChanges());
});

afterAll(async () => {
  await followed?.close();
  await engine?.[Symbol.asyncDispose]();
  await stage?.close();
});

async function page(cookie: string): Promise<string> {
  const url = 'http://127.0.0.1:8080/stacks';
  return await (await web.request(url, { headers: { cookie } })).text();
}

const shows = (what: string, ...texts: readonly string[]) =>
  eventually(what, async () => {
    const text = await page(alice);
    return texts.every((one) => text.includes(one)) ? text : null;
  });

test('containers are listed with the line that leads to them, and go when they stop', async () => {
  const [web1] = running('shop', 'web');
  engine.containers = [
    ...running('shop', 'web'),
    { ...web1, name: 'shop-<i>', state: 'running', labels: web1?.labels ?? {} },
  ];
  const text = await shows('both', 'shop-web-1', 'shop-&lt;i&gt;');
  expect(text).toContain('ssh -p 2222 alice+shop.web@127.0.0.1');
  expect(text).toContain('ssh -p 2222 alice+shop.web.2@127.0.0.1');
  engine.containers = [];
  await shows('none', 'No container runs.');
});

test('an engine that does not answer is said to be away', async () => {
  engine.containers = running('shop', 'db');
  await shows('db', 'shop-db-1');
  await engine.goAway();
  try {
    await shows('what was known', 'shop-db-1', 'running when last heard', 'has not answered since');
  } finally {
    await engine.comeBack();
  }
  await eventually('it answers', async () => !(await page(alice)).includes('has not answered'));
});

test('an engine that went away when nothing ran says no more than that', async () => {
  engine.containers = [];
  await shows('none', 'No container runs.');
  await engine.goAway();
  try {
    const text = await shows('that it is away', 'No container ran when it was last heard.');
    expect(text).not.toContain('What ran');
    expect(text).not.toContain('No container runs.');
  } finally {
    await engine.comeBack();
  }
  await eventually('it answers', async () => !(await page(alice)).includes('has not answered'));
});

test('an engine that never answered is not said to have been heard', async () => {
  const { store } = stage;
  const name = `never-${randomUUID()}`;
  const user = await addUser(stage, name);
  const cookie = await cookieFor(user);
  const address = 'unix:///there/is/none.sock';
  const { id } = await store.stacks.create(stack({ name, engine: address }));
  await store.grants.create(grant({ to: { userId: user.id }, on: { stackId: id } }));
  const text = await eventually('it was tried', async () => {
    const found = await page(cookie);
    return found.includes('has not been reached yet, tried since <time') ? found : null;
  });
  expect(text).toContain('its socket is not there');
  for (const wrong of ['last heard', 'No container', address]) expect(text).not.toContain(wrong);
});

test('who has no grant on a stack does not see it', async () => {
  expect(await page(mallory)).toContain('None that you may see.');
});
