import { afterAll, beforeAll, expect, test } from 'vitest';
import { CONSOLE_COOKIE, hashBearer, newBearer } from '../../src/domain/bearer.ts';
import { createConsole } from '../../src/web/console.ts';
import { addMachine, addUser, openStage, type Stage } from '../api/stage.ts';
import { grant } from '../store/examples.ts';
import { consoleDeps } from './deps.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.close());

test('a machine that may be seen alone is listed, without a way in', async () => {
  const { store } = stage;
  const user = await addUser(stage, 'alice');
  const [open, shut, hidden] = [
    await addMachine(stage, 'open-one'),
    await addMachine(stage, 'shut-one'),
    await addMachine(stage, 'hidden-one'),
  ];
  const to = { userId: user.id };
  await store.grants.create(grant({ to, on: { machineId: open.id } }));
  await store.grants.setLevels(user.id, [
    { machineId: open.id, level: 'read_only' },
    { machineId: shut.id, level: 'read_only' },
  ]);
  const secret = newBearer();
  await store.tokens.create({
    ...{ userId: user.id, kind: 'web', name: 'browser', scopes: ['sessions:write'] },
    ...{ expiresAt: null, hash: await hashBearer(secret) },
  });
  const headers = { cookie: `${CONSOLE_COOKIE}=${secret}` };
  const web = createConsole(consoleDeps(stage));
  const text = await (await web.request('http://127.0.0.1:8080/terminal', { headers })).text();
  expect(text).toContain('Connect to open-one');
  expect(text).toContain('shut-one');
  expect(text).toContain('You may see it, but not connect');
  expect(text).not.toContain('Connect to shut-one');
  expect(text).not.toContain(hidden.name);
});
