import { afterAll, beforeAll, expect, test } from 'vitest';
import { CONSOLE_COOKIE, hashBearer, newBearer } from '../../src/domain/bearer.ts';
import type { Scope } from '../../src/domain/role.ts';
import type { Session } from '../../src/domain/session.ts';
import type { User } from '../../src/domain/user.ts';
import { createConsole } from '../../src/web/console.ts';
import { addMachine, addSession, addUser, openStage, type Stage } from '../api/stage.ts';
import { consoleDeps } from './deps.ts';

let stage: Stage;
let web: ReturnType<typeof createConsole>;
let session: Session;
let admin: string;
let bob: string;

/** What a browser that `user` has signed in with sends. */
async function cookieFor(user: User, scopes: readonly Scope[]): Promise<string> {
  const secret = newBearer();
  await stage.store.tokens.create({
    ...{ userId: user.id, kind: 'web', name: 'browser', scopes: [...scopes], expiresAt: null },
    hash: await hashBearer(secret),
  });
  return `${CONSOLE_COOKIE}=${secret}`;
}

beforeAll(async () => {
  stage = await openStage();
  web = createConsole(consoleDeps(stage));
  const ada = await addUser(stage, 'ada', 'admin');
  admin = await cookieFor(ada, ['admin']);
  bob = await cookieFor(await addUser(stage, 'bob'), ['sessions:read', 'recordings:read']);
  session = await addSession(stage, ada, await addMachine(stage, 'web1'));
});

afterAll(() => stage.close());

async function get(path: string, cookie: string): Promise<{ status: number; text: string }> {
  const answer = await web.request(`http://127.0.0.1:8080${path}`, { headers: { cookie } });
  return { status: answer.status, text: await answer.text() };
}

async function raise(rule: string, second: number): Promise<void> {
  await stage.store.audit.append({
    ...{ at: new Date(), type: 'alert.raised', actor: null, userId: session.userId },
    ...{ machineId: session.machineId, sessionId: session.id, source: null },
    detail: { rule, kind: 'command', channel: 2, second },
  });
}

test('rules are listed with what they are for, as text', async () => {
  const { alerts, groups } = stage.store;
  // Of this try alone.
  const [one, two, ops] = [newBearer(), newBearer(), newBearer()].map((name) => name.slice(-9));
  const group = await groups.create(`ops-${ops}`, [], null);
  const anywhere = { kind: null, machineId: null, groupId: null };
  await alerts.create({ ...anywhere, name: `script-${one}`, pattern: '<script>x' });
  await alerts.create({ ...anywhere, name: `wipes-${two}`, pattern: 'mkfs', groupId: group.id });
  const { text } = await get('/alerts', admin);
  expect(text).toContain('<code>&lt;script&gt;x</code>');
  expect(text).toContain(`members of ops-${ops}`);
  expect(text).toContain('all sessions');
});

test('what was raised leads to its second; older ones are one click away', async () => {
  for (let n = 0; n < 51; n += 1) await raise(`rule${n}`, 10 + n);
  const { text } = await get('/alerts', admin);
  expect(text).toContain(`href="/sessions/${session.id}?channel=2&amp;t=59.0"`);
  expect(text).toContain('deploy@web1');
  expect(text).not.toContain('rule0<');
  const [, next = ''] = /href="(\/alerts\?[^"]+)" rel="next"/.exec(text) ?? [];
  const older = await get(next.replaceAll('&amp;', '&'), admin);
  expect(older.text).toContain('rule0<');
  expect(older.text).not.toContain('rule50<');
});

test('they are for admins: others neither see them nor the way to them', async () => {
  expect((await get('/alerts', bob)).status).toBe(403);
  const own = (await get('/', bob)).text;
  expect(own).toContain('<a href="/" aria-current="page">Sessions</a>');
  expect(own).not.toContain('href="/alerts"');
  expect((await get('/', admin)).text).toContain('href="/alerts"');
  expect((await get('/alerts', '')).status).toBe(303);
});
