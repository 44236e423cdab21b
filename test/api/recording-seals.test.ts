import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Session } from '../../src/domain/session.ts';
import { openHistory } from './history.ts';
import { type Answer, call, type Stage } from './stage.ts';

let stage: Stage;
let admin: string;
let bob: string;
let ended: Session;

beforeAll(async () => {
  const history = await openHistory();
  ({ stage, admin, ended } = history);
  bob = history.bobToken;
});

afterAll(() => stage.close());

function verify(channel: number): Promise<Answer> {
  const path = `/v1/sessions/${ended.id}/recording/verification?channel=${channel}`;
  return call(stage, 'POST', path, { token: admin });
}

async function stateOf(channel: number): Promise<string | undefined> {
  const { body } = await call(stage, 'GET', `/v1/sessions/${ended.id}`, { token: admin });
  const recordings: { channel: number; state: string }[] = body.data.recordings;
  return recordings.find((one) => one.channel === channel)?.state;
}

async function fileOf(channel: number): Promise<string> {
  const recordings = await stage.store.sessions.recordings(ended.id);
  const key = recordings.find((one) => one.channel === channel)?.key ?? '';
  return join(stage.recordings, key);
}

test('the public keys are there for everybody who is signed in, as PEM too', async () => {
  const { body } = await call(stage, 'GET', '/v1/sealing-keys', { token: bob });
  const [key] = body.data.sealing_keys;
  expect(key.id).toMatch(/^[0-9a-f]{16}$/);
  const text = await call(stage, 'GET', '/v1/sealing-keys?format=text', { token: bob });
  expect(text.body).toBe(key.public_key);
  expect(text.body).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);
  expect((await call(stage, 'GET', '/v1/sealing-keys')).status).toBe(401);
});

test('the noted seals are those of the file', async () => {
  const path = `/v1/sessions/${ended.id}/recording/seals?channel=2`;
  const { body } = await call(stage, 'GET', path, { token: admin });
  const lines = readFileSync(await fileOf(2), 'utf8').split('\n');
  const seals: { line: string }[] = body.data.seals;
  expect(seals.map(({ line }) => line)).toEqual(lines.filter((line) => line.startsWith('# seal')));
  expect(body.data).toMatchObject({ channel: 2, seals: [{ part: 1 }] });
  expect((await call(stage, 'GET', path, { token: bob })).status).toBe(404);
});

test('a recording that is as it was verifies, and says how much it holds', async () => {
  expect(await verify(1)).toMatchObject({
    status: 200,
    body: { data: { verdict: 'complete', parts: 1, unsealed: null, first_bad: null } },
  });
  expect(await stateOf(1)).toBe('complete');
});

test('one that was changed is tampered until it is as it was again; the audit has both', async () => {
  const path = await fileOf(2);
  const good = readFileSync(path);
  writeFileSync(path, good.toString().replace('second channel', 'second Channel'));
  expect((await verify(2)).body.data).toMatchObject({
    verdict: 'tampered',
    parts: 0,
    first_bad: { part: 1, from: 0, problem: 'changed', message: expect.stringMatching(/bytes/) },
  });
  expect(await stateOf(2)).toBe('tampered');
  writeFileSync(path, good.subarray(0, good.lastIndexOf('# seal')));
  expect((await verify(2)).body.data.first_bad).toMatchObject({ problem: 'cut' });
  writeFileSync(path, readFileSync(await fileOf(1)));
  expect((await verify(2)).body.data.first_bad).toMatchObject({ problem: 'other_recording' });
  writeFileSync(path, good);
  expect((await verify(2)).body.data.verdict).toBe('complete');
  expect(await stateOf(2)).toBe('complete');
  const { rows } = await stage.store.audit.list({ type: 'recording.verified' }, { limit: 5 });
  expect(rows.slice(0, 2).map(({ detail }) => detail)).toMatchObject([
    { channel: 2, verdict: 'complete' },
    { channel: 2, verdict: 'tampered', part: 1, problem: 'other_recording' },
  ]);
});
