import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { dataOf } from '../support/api-call.ts';
import type { Bastion } from '../support/bastion.ts';
import { EventSourceClient } from '../support/event-source.ts';
import { eventually, within } from '../support/eventually.ts';
import { holdProgram } from '../support/held-program.ts';
import { needs } from '../support/requirements.ts';
import { startSecondNode } from '../support/second-node.ts';
import { openStage, type Stage } from '../support/stage.ts';

needs('ssh', 'sshd').describe('events of sessions', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  async function tokenOf(user: string): Promise<{ id: string; secret: string }> {
    const found = dataOf(await stage.bastion.api(`users?search=${user}`));
    const [{ id: user_id } = { id: '' }] = (found as { users: readonly { id: string }[] }).users;
    const body = { name: `events of ${user}`, scopes: ['sessions:read'], user_id };
    const made = await stage.bastion.api('tokens', { method: 'POST', body });
    const created = made.body?.data as { id: string; token: string } | undefined;
    if (created === undefined) throw new Error(made.text);
    return { id: created.id, secret: created.token };
  }

  const listen = (node: Bastion, secret: string, last?: string): EventSourceClient =>
    new EventSourceClient(`${node.url}/v1/events`, {
      authorization: `Bearer ${secret}`,
      ...(last === undefined ? {} : { 'last-event-id': last }),
    });

  test('come as they happen, to those who may see them, and again where somebody stopped', async () => {
    const { bastion, alice } = stage;
    const [own, other] = [await tokenOf('alice'), await tokenOf('bob')];
    using admin = listen(bastion, bastion.token);
    using mine = listen(bastion, own.secret);
    using foreign = listen(bastion, other.secret);
    const first = await mine.has('the beginning', ({ event }) => event === 'sessions');
    expect(first.data).toEqual({ sessions: [], complete: true });
    await foreign.has('the beginning', ({ event }) => event === 'sessions');
    const live = await holdProgram(bastion, alice, 'alice+web1');
    for (const ear of [admin, mine]) {
      const { data } = await ear.has('its beginning', ({ event, data: { id } }) => {
        return event === 'session.started' && id === live.id;
      });
      expect(data).toMatchObject({ user: { name: 'alice' }, machine: { name: 'web1' } });
    }
    await bastion.api(`sessions/${live.id}`, { method: 'DELETE' });
    const { data: ended } = await mine.has('its end', ({ event, data: { id } }) => {
      return event === 'session.ended' && id === live.id;
    });
    expect(ended).toMatchObject({ status: 'stopped', end_reason: 'terminated' });
    await within('ssh ends', live.ended);
    using back = listen(bastion, own.secret, first.id);
    await back.has('the same end', ({ data: { id, end_reason } }) => {
      return id === live.id && end_reason === 'terminated';
    });
    expect(back.events.filter(({ event }) => event === 'sessions')).toEqual([]);
    expect(foreign.events.map(({ event }) => event)).toEqual(['sessions']);
    await bastion.api(`tokens/${own.id}`, { method: 'DELETE' });
    await within('it ends with its token', mine.ended, 5000);
  });

  test('who listens as often as one may leaves room for others', async () => {
    const { bastion } = stage;
    const [own, other] = [await tokenOf('alice'), await tokenOf('bob')];
    using ears = new DisposableStack();
    const status = (secret: string): Promise<number> => ears.use(listen(bastion, secret)).status;
    const first = listen(bastion, own.secret);
    ears.use(first);
    expect(await first.status).toBe(200);
    const more = Array.from({ length: 19 }, () => status(own.secret));
    expect(new Set(await Promise.all(more))).toEqual(new Set([200]));
    // With another token it is the same user.
    expect(await status((await tokenOf('alice')).secret)).toBe(409);
    expect(await status(other.secret)).toBe(200);
    first[Symbol.dispose]();
    await eventually('its place is free', async () => (await status(own.secret)) === 200);
  });

  test.skipIf(inject('backend') !== 'postgres')('are those of all nodes', async () => {
    const { bastion, alice } = stage;
    await using other = await startSecondNode(bastion);
    using there = listen(other, other.token);
    const begun = await there.has('the beginning', ({ event }) => event === 'sessions');
    const live = await holdProgram(bastion, alice, 'alice+web1');
    await there.has('its beginning', ({ event, data: { id } }) => {
      return event === 'session.started' && id === live.id;
    });
    using anew = listen(bastion, bastion.token, begun.id);
    // The other node's numbers say nothing here, so it begins anew; each node hears of it in its own time.
    const first = await anew.has('all anew', () => true);
    expect(first.event).toBe('sessions');
    await anew.has('the session', ({ event, data }) => {
      const told = event === 'sessions' ? data.sessions : [data];
      return told.some(({ id }: { id: string }) => id === live.id);
    });
    await bastion.api(`sessions/${live.id}`, { method: 'DELETE' });
    await there.has('its end', ({ event, data: { id } }) => {
      return event === 'session.ended' && id === live.id;
    });
    await within('ssh ends', live.ended);
  });
});
