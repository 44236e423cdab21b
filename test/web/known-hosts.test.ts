import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashBearer, newBearer } from '../../src/domain/bearer.ts';
import type { Machine } from '../../src/domain/machine.ts';
import { createConsole } from '../../src/web/console.ts';
import { addMachine, openStage, type Stage } from '../api/stage.ts';
import { consoleDeps } from './deps.ts';

const ORIGIN = 'http://127.0.0.1:8080';

let stage: Stage;
let machine: Machine;
let link: string;

beforeAll(async () => {
  stage = await openStage();
  const { users, tokens } = stage.store;
  machine = await addMachine(stage, 'web1');
  const alice = await users.create({
    name: 'alice',
    email: null,
    role: 'admin',
    passwordHash: null,
  });
  link = newBearer();
  const expiresAt = new Date(Date.now() + 60_000);
  await tokens.createSignIn({ hash: await hashBearer(link), userId: alice.id, expiresAt });
});

afterAll(() => stage?.close());

test('the console leads to the lines for known_hosts: of the machines, and of their authority', async () => {
  const web = createConsole(consoleDeps(stage));
  const headers = { origin: ORIGIN };
  const signedIn = await web.request(`${ORIGIN}/signin/${link}`, { method: 'POST', headers });
  const cookie = (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const read = async (path: string, more: Record<string, string> = { cookie }): Promise<string> =>
    (await web.request(`${ORIGIN}${path}`, { headers: more })).text();
  const page = await read('/');
  expect(page).toContain('href="/known-hosts"');
  expect(page).toContain('href="/known-hosts/authority"');
  expect(await read('/known-hosts')).toContain(` ssh-ed25519 KEY${machine.id}\n`);
  const line = '@cert-authority * ssh-ed25519 HOSTS postern\n';
  expect(await read('/known-hosts/authority')).toBe(line);
  expect(await read('/known-hosts/authority', {})).not.toContain('cert-authority');
});
