import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpServer, listenHttp } from '../../src/api/listen.ts';
import { PosternClient } from '../../src/client/client.ts';
import { type History, openHistory } from './history.ts';
import { addSession, tokenFor } from './stage.ts';

/**
 * The requests of the Sessions API that this API comes from, as its page writes them, with real ids, over
 * HTTP: each body has everything that the sample has, of the same types. The WebSocket, and the snippet
 * of it, are in test/e2e/vsay-snippet.test.ts.
 */

let history: History;
let server: HttpServer;
let client: PosternClient;
/** POST /sessions needs somebody who has the session. */
let ada: PosternClient;

beforeAll(async () => {
  history = await openHistory();
  const { fetch } = history.stage.api;
  server = await listenHttp({ fetch, host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${server.port}`;
  client = new PosternClient({ url, token: () => history.admin });
  const token = await tokenFor(history.stage, history.ada, ['sessions:write']);
  ada = new PosternClient({ url, token: () => token });
});

afterAll(async () => {
  await server.close();
  await history.stage.close();
});

const asked = () => ({ signal: AbortSignal.timeout(15_000) });

/** What an answer lacks of a sample, or has of another type, as paths. */
function missing(sample: unknown, answer: unknown, at = 'body'): string[] {
  if (Array.isArray(sample)) {
    if (!Array.isArray(answer) || answer.length === 0) return [`${at} has no row`];
    return answer.flatMap((row, index) => missing(sample[0], row, `${at}[${index}]`));
  }
  if (typeof sample === 'object' && sample !== null) {
    if (typeof answer !== 'object' || answer === null) return [`${at} is no object`];
    const has: Readonly<Record<string, unknown>> = { ...answer };
    return Object.entries(sample).flatMap(([key, value]) =>
      missing(value, has[key], `${at}.${key}`),
    );
  }
  if (typeof answer !== typeof sample) return [`${at} is ${typeof answer}`];
  const [, like] = LIKE.find(([written]) => written.test(String(sample))) ?? [];
  return like === undefined || like.test(String(answer)) ? [] : [`${at} is not like ${sample}`];
}

/** What is written like the one is answered like the other. */
const LIKE: readonly (readonly [RegExp, RegExp])[] = [
  [/^\d{4}-.*Z$/, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/],
  [/^sess_\d+$/, /^sess_\d+$/],
  [/^usr_\d+$/, /^usr_\d+$/],
  [/^mch_\d+$/, /^mch_\d+$/],
];

const SESSION = {
  id: 'sess_123456',
  user: { id: 'usr_123', name: 'John Doe' },
  machine: { id: 'mch_456', name: 'Production Server' },
  status: 'active',
  started_at: '2024-01-01T12:00:00Z',
  last_activity: '2024-01-01T12:30:00Z',
  ip_address: '192.168.1.50',
};

test('GET /sessions', async () => {
  const body = await client.call('GET', '/v1/sessions', asked());
  expect(missing({ success: true, data: { sessions: [SESSION] } }, body)).toEqual([]);
  expect(body.data.sessions.map(({ status }) => status)).toEqual(['active']);
});

test.each([
  'status=ended',
  'machine_id=mch_1',
  'user_id=usr_1',
  'from=2024-01-01',
  'to=2100-01-01',
])('GET /sessions?%s', async (query) => {
  const path = `/v1/sessions?${query}` as '/v1/sessions';
  const body = await client.call('GET', path, asked());
  expect(missing({ success: true, data: { sessions: [SESSION] } }, body)).toEqual([]);
});

test('GET /sessions/:id', async () => {
  const id = `sess_${history.ended.id}`;
  const body = await client.call('GET', `/v1/sessions/${id}`, asked());
  const sample = {
    ...SESSION,
    user: { ...SESSION.user, email: 'john@example.com' },
    machine: { ...SESSION.machine, host: '192.168.1.100' },
    user_agent: 'Mozilla/5.0...',
  };
  expect(missing({ success: true, data: sample }, body)).toEqual([]);
  expect(body.data).toHaveProperty('commands_count');
});

test('POST /sessions', async () => {
  const { store } = history.stage;
  await store.grants.create({
    ...{ to: { userId: history.ada.id }, on: { machineId: history.web1.id }, logins: [] },
    ...{ allow: ['shell'], forwardTo: [], fromNetworks: [], until: null, maxSession: null },
    ...{ idleTimeout: null, approval: null },
  });
  const body = await ada.call('POST', '/v1/sessions', {
    ...asked(),
    body: { machine_id: `mch_${history.web1.id}`, terminal_size: { cols: 120, rows: 40 } },
  });
  const sample = {
    session_id: 'sess_123456',
    websocket_url: 'wss://api.vsayterminal.com/v1/sessions/sess_123456/ws',
    token: 'session_token_for_ws_auth',
    expires_at: '2024-01-01T13:00:00Z',
  };
  expect(missing({ success: true, data: sample }, body)).toEqual([]);
  expect(body.data.websocket_url).toMatch(
    new RegExp(`^wss?://[^/]+/v1/sessions/${body.data.session_id}/ws$`),
  );
});

test('DELETE /sessions/:id', async () => {
  const { stage, ada: user, web1 } = history;
  const { id } = await addSession(stage, user, web1);
  await stage.store.sessions.activate(id, new Date());
  const named: string = `sess_${id}`;
  const body = await client.call('DELETE', `/v1/sessions/${named}`, asked());
  expect(body).toEqual({ success: true, message: 'Session terminated successfully' });
});

test('GET /sessions/:id/logs', async () => {
  const id = `sess_${history.ended.id}`;
  const body = await client.call('GET', `/v1/sessions/${id}/logs`, asked());
  const entry = { timestamp: '2024-01-01T12:00:00Z', type: 'command', content: 'ls -la' };
  expect(missing({ success: true, data: { session_id: id, logs: [entry] } }, body)).toEqual([]);
  const types = body.data.logs.map(({ type }) => type);
  expect(types).toContain('command');
  expect(types).toContain('output');
});

test('GET /sessions/:id/logs?format=text', async () => {
  const response = await client.fetch({
    ...{ method: 'GET', path: `/v1/sessions/sess_${history.ended.id}/logs` },
    ...{ query: { format: 'text' }, ...asked() },
  });
  expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
  expect(await response.text()).toContain('total 42');
});

test.each(['', '?period=day', '?period=week', '?period=month'])(
  'GET /sessions/stats%s',
  async (query) => {
    const path = `/v1/sessions/stats${query}` as '/v1/sessions/stats';
    const body = await client.call('GET', path, asked());
    const sample = {
      total_sessions: 1250,
      active_sessions: 15,
      total_duration_hours: 4500,
      unique_users: 25,
      top_machines: [{ machine_id: 'mch_456', name: 'Production Server', sessions_count: 350 }],
    };
    expect(missing({ success: true, data: sample }, body)).toEqual([]);
  },
);
