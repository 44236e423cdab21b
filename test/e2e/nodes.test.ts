import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { dataOf } from '../support/api-call.ts';
import type { Bastion } from '../support/bastion.ts';
import { eventually, within } from '../support/eventually.ts';
import { holdProgram } from '../support/held-program.ts';
import { kill } from '../support/processes.ts';
import { needs } from '../support/requirements.ts';
import { startSecondNode } from '../support/second-node.ts';
import { openStage, type Stage } from '../support/stage.ts';

/** Several nodes need a server. */
const shared =
  inject('backend') === 'postgres' ? needs('ssh', 'sshd') : { describe: describe.skip };

function suite(settings: Readonly<Record<string, string>>): void {
  let stage: Stage;
  let other: Bastion;
  beforeAll(async () => {
    stage = await openStage({ settings });
    other = await startSecondNode(stage.bastion);
  });
  afterAll(async () => {
    await other?.[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
  });

  const held = () => holdProgram(stage.bastion, stage.alice, 'alice+web1');

  test('what is taken away on one ends the session on the other, within two seconds', async () => {
    const live = await held();
    const found = dataOf(await other.api('users?search=alice'));
    const [alice] = (found as { users: readonly { readonly id: string }[] }).users;
    const path = `users/${alice?.id}`;
    const disable = (disabled: boolean) => other.api(path, { method: 'PATCH', body: { disabled } });
    expect(await disable(true)).toMatchObject({ status: 200 });
    expect(await within('ssh ends', live.ended, 2000)).toBe(255);
    expect(live.errors()).toContain('postern: your account was disabled or removed');
    expect(await disable(false)).toMatchObject({ status: 200 });
  });

  test('each ends the sessions of the other, and its own', async () => {
    for (const node of [other, stage.bastion]) {
      const live = await held();
      const answer = await node.api(`sessions/${live.id}`, { method: 'DELETE' });
      expect(answer).toMatchObject({ status: 200 });
      // The answer comes when it has ended.
      expect(await node.session(live.id)).toMatchObject({ end_reason: 'terminated' });
      expect(await within('ssh ends', live.ended, 2000)).toBe(255);
      expect(live.errors()).toMatch(/postern: this session was ended by/);
      const again = await node.api(`sessions/${live.id}`, { method: 'DELETE' });
      expect(again).toMatchObject({ status: 409 });
    }
  });

  test('a session is followed on the node that holds it, which the other one names', async () => {
    const live = await held();
    const [here, there] = await Promise.all([
      stage.bastion.api(`sessions/${live.id}/live`),
      other.api(`sessions/${live.id}/live`),
    ]);
    // It is there; a plain request is no WebSocket.
    expect(here).toMatchObject({ status: 426 });
    expect(there).toMatchObject({ status: 503 });
    expect(there.body?.error?.message).toMatch(
      /^session sess_\d+ runs on node [0-9a-f-]{36}: follow/,
    );
    expect(await other.api(`sessions/${live.id}`, { method: 'DELETE' })).toMatchObject({
      status: 200,
    });
    await within('ssh ends', live.ended);
  });

  if ('REDIS_URL' in settings) return;
  test('a node that does not answer is named, and keeps its sessions', async () => {
    const live = await held();
    const { pid } = stage.bastion;
    kill(pid, 'SIGSTOP');
    try {
      const before = performance.now();
      const answer = await other.api(`sessions/${live.id}`, { method: 'DELETE' });
      expect(performance.now() - before).toBeLessThan(7000);
      expect(answer).toMatchObject({ status: 503, body: { error: { code: 'UNAVAILABLE' } } });
      expect(answer.body?.error?.message).toMatch(/^node [0-9a-f-]{36}, which holds session sess_/);
    } finally {
      kill(pid, 'SIGCONT');
    }
    // What it was asked meanwhile, it does.
    expect(await within('ssh ends', live.ended)).toBe(255);
    await eventually('the row says who', async () => {
      return (await other.session(live.id)).end_reason === 'terminated';
    });
  });
}

shared.describe('two nodes on one database, with Redis', () => suite({}));
shared.describe('two nodes on one database, with a Redis that is away', () =>
  suite({ REDIS_URL: 'redis://127.0.0.1:1' }),
);
