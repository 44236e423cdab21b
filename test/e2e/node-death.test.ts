import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Bastion } from '../support/bastion.ts';
import { eventually } from '../support/eventually.ts';
import { holdProgram } from '../support/held-program.ts';
import { needs } from '../support/requirements.ts';
import { startSecondNode } from '../support/second-node.ts';
import { openStage, type Stage } from '../support/stage.ts';

const shared =
  inject('backend') === 'postgres' ? needs('ssh', 'sshd') : { describe: describe.skip };

shared.describe('a node that dies beside another', () => {
  let stage: Stage;
  let other: Bastion;
  beforeAll(async () => {
    stage = await openStage();
    other = await startSecondNode(stage.bastion);
  });
  afterAll(async () => {
    await other?.[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
  });

  test('has its sessions closed by the other, and repairs its recordings when it is back', async () => {
    const live = await holdProgram(stage.bastion, stage.alice, 'alice+web1');
    await eventually('its recording is on disk', async () => {
      const answer = await stage.bastion.api(`sessions/${live.id}/recording`);
      return answer.text.includes('ready');
    });
    await stage.bastion.kill();
    expect(await live.ended).toBe(255);
    const closed = await eventually(
      'the survivor closes it',
      async () => {
        const session = await other.session(live.id);
        return session.ended_at === null ? null : session;
      },
      15_000,
    );
    expect(closed).toMatchObject({ status: 'stopped', end_reason: 'node_died' });
    expect(await other.sessions('status=active')).toEqual([]);
    const answer = await other.api(`sessions/${live.id}`, { method: 'DELETE' });
    expect(answer).toMatchObject({ status: 409 });
    expect(answer.body?.error?.message).toMatch(/has already ended: its node [0-9a-f-]{36} died$/);
    const stats = await other.api('sessions/stats');
    expect(stats.body?.data).toMatchObject({ active_sessions: 0 });

    await stage.bastion.start();
    expect(await stage.bastion.session(live.id)).toMatchObject({
      end_reason: 'node_died',
      // Its worker outlived it by a moment, and may have sealed the recording itself.
      recordings: [{ state: expect.stringMatching(/^(complete|recovered)$/) }],
    });
    expect(await stage.alice.ssh('alice+web1', 'exit 3')).toMatchObject({ status: 3 });
  });
});
