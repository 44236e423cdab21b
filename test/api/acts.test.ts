import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditEvent } from '../../src/domain/audit.ts';
import { running, startTestEngine, type TestEngine } from '../support/test-engine.ts';
import { type Act, actsOf, SECRETS } from './acts.ts';
import { type History, openHistory } from './history.ts';
import { servedOperations } from './operations.ts';
import { anotherApi, call } from './stage.ts';

/** Everything that the API changes is one event of the audit: who, what, from where, before and after. */

let history: History;
let engine: TestEngine;
let acts: ReturnType<typeof actsOf>;

beforeAll(async () => {
  const opened = await openHistory();
  history = { ...opened, stage: anotherApi(opened.stage, { terminateTimeoutMs: 30_000 }) };
  engine = await startTestEngine();
  engine.containers = running('shop', 'web');
  acts = actsOf(history, engine);
});

afterAll(async () => {
  await history.stage.close();
  await engine[Symbol.asyncDispose]();
});

/**
 * What begins a session is noted by the control plane, for all ways to begin one (test/control/control-plane.test.ts);
 * what computes the chain anew changes nothing.
 */
const NOT_HERE = [
  'POST /v1/sessions',
  'POST /v1/machines/{id}/connect',
  'POST /v1/audit/verification',
];

async function newest(): Promise<number> {
  const { rows } = await history.stage.store.audit.list({}, { limit: 1 });
  return rows[0]?.id ?? 0;
}

/** Oldest first; what goes on behind an act is not its own. */
async function since(last: number): Promise<readonly AuditEvent[]> {
  const { rows } = await history.stage.store.audit.list({}, { limit: 100 });
  return rows.filter(({ id, type }) => id > last && type !== 'session.ended').toReversed();
}

function requestOf(name: string, { ids = [], body }: Act) {
  const [method = '', path = ''] = name.split(' ');
  const left = [...ids];
  return { method, path: path.replaceAll(/\{.+?\}/g, () => String(left.shift())), body };
}

function fits(states: Act['states'], { before, after }: AuditEvent): boolean {
  const has = (state: object | null): boolean => state !== null && Object.keys(state).length > 0;
  if (states === 'made') return before === null && has(after);
  if (states === 'removed') return has(before) && after === null;
  if (states === 'none') return before === null && after === null;
  const same = JSON.stringify(before) === JSON.stringify(after);
  const names = (state: object | null) => Object.keys(state ?? {}).join();
  return has(before) && has(after) && !same && names(before) === names(after);
}

test('every operation that changes something is tried here', async () => {
  const served = await servedOperations(history.stage);
  const changing = served.filter(({ method }) => method !== 'GET').map(({ name }) => name);
  expect(Object.keys(acts).sort()).toEqual(
    changing.filter((name) => !NOT_HERE.includes(name)).sort(),
  );
});

/** What is wrong with what one act left; null: nothing. */
function complaint(act: Act, events: readonly AuditEvent[]): string | null {
  const [event] = events;
  const types = events.map(({ type }) => type).join();
  if (event === undefined || types !== act.type) return types || 'no event';
  if (event.actor !== (act.actor ?? 't')) return `by ${event.actor}`;
  if (event.source !== '192.0.2.1') return `from ${event.source}`;
  return fits(act.states, event) ? null : JSON.stringify(event);
}

/** Does it; answers what is wrong. */
async function tried(name: string, prepare: () => Promise<Act>): Promise<string | null> {
  const act = await prepare();
  const { method, path, body } = requestOf(name, act);
  const last = await newest();
  const answer = await call(history.stage, method, path, {
    token: act.token ?? history.admin,
    ...(body === undefined ? {} : { body }),
  });
  if (answer.status >= 300) return `${answer.status} ${JSON.stringify(answer.body)}`;
  return complaint(act, await since(last));
}

describe('an act', () => {
  test('is one event, with who, what, from where, before and after, and no secret', async () => {
    const wrong: Record<string, string> = {};
    for (const [name, prepare] of Object.entries(acts)) {
      const found = await tried(name, prepare);
      if (found !== null) wrong[name] = found;
    }
    expect(wrong).toEqual({});
    let all = '';
    for await (const event of history.stage.store.audit.walk({})) all += JSON.stringify(event);
    const said = Object.entries(SECRETS).filter(([, secret]) => all.includes(secret));
    expect(said).toEqual([]);
    expect(all).not.toMatch(/pst_[A-Za-z0-9_-]{43}|scrypt|PRIVATE KEY/);
  });

  test('that is refused is none', async () => {
    const last = await newest();
    for (const [name, prepare] of Object.entries(acts)) {
      const { method, path } = requestOf(name, await prepare());
      const answer = await call(history.stage, method, path, {
        token: history.bobToken,
        body: { no_such: 1 },
      });
      expect([name, answer.status >= 400], JSON.stringify(answer.body)).toEqual([name, true]);
    }
    expect(await since(last)).toEqual([]);
  });
});
