import { afterAll, beforeAll, expect, test } from 'vitest';
import { BUILTIN_RULES, openRedaction } from '../../src/app/redaction.ts';
import { NO_KEYS } from '../../src/domain/recording-keys.ts';
import type { Session } from '../../src/domain/session.ts';
import { openLibrary } from '../../src/recorder/library.ts';
import { checkAsciicast } from '../support/asciicast.ts';
import {
  type Answer,
  addMachine,
  addRecording,
  addSession,
  addUser,
  anotherApi,
  call,
  openStage,
  type Stage,
  tokenFor,
} from './stage.ts';

const SECRET = ['ghp', '_', 'aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6'].join('');
const STARS = '*'.repeat(SECRET.length);

let stage: Stage;
let session: Session;
let tokens: { readonly admin: string; readonly auditor: string; readonly own: string };

beforeAll(async () => {
  stage = await openStage();
  const alice = await addUser(stage, 'alice');
  const root = await addUser(stage, 'root1', 'admin');
  session = await addSession(stage, alice, await addMachine(stage, 'web1'));
  await addRecording(stage, session, 1, {
    outputs: ['$ ', `echo ${SECRET.slice(0, 7)}`, `${SECRET.slice(7)}\r\n`, 'plain\r\n'],
  });
  await addRecording(stage, session, 2, {
    command: `deploy --token ${SECRET}`,
    pty: false,
    outputs: [`ok ${SECRET}\n`],
  });
  tokens = {
    admin: await tokenFor(stage, root, ['admin']),
    auditor: await tokenFor(stage, null, ['sessions:read', 'recordings:read', 'audit:read']),
    own: await tokenFor(stage, alice, ['sessions:read', 'recordings:read']),
  };
});

afterAll(() => stage.close());

type Who = keyof typeof tokens;

function ask(who: Who, path: string, method = 'GET', on: Stage = stage): Promise<Answer> {
  return call(on, method, `/v1/sessions/${session.id}${path}`, { token: tokens[who] });
}

const HIDDEN_FROM: readonly Who[] = ['auditor', 'own'];

const WAYS = [
  '/recording',
  '/recording?channel=2',
  '/recording?format=v2',
  '/recording?channel=2&format=v2',
  '/logs',
  '/logs?format=text',
  '',
];

test.each(WAYS)('%s has no secret in it for who is no admin', async (way) => {
  const open = await ask('admin', way);
  expect(JSON.stringify(open.body)).toContain(SECRET.slice(7));
  for (const who of HIDDEN_FROM) {
    const { status, body } = await ask(who, way);
    expect(status).toBe(200);
    const text = JSON.stringify(body);
    expect(text).not.toContain(SECRET.slice(7));
    expect(text).toContain('*'.repeat(SECRET.length - 7));
  }
});

test('a copy says that it is one, and has the times and sizes of what it was made of', async () => {
  const open = await ask('admin', '/recording');
  const copy = await ask('own', '/recording');
  const [from, to] = [open.body, copy.body].map((text) => checkAsciicast(Buffer.from(text)));
  expect(copy.headers.get('Postern-Redacted')).toBe(stage.deps.redaction.rules);
  expect(copy.headers.get('Accept-Ranges')).toBe('none');
  expect(copy.headers.get('ETag')).toContain('-redacted-');
  expect(open.headers.get('Postern-Redacted')).toBe(null);
  expect(to?.header).toMatchObject({
    postern: { redacted: stage.deps.redaction.rules, pty: true },
  });
  const lengths = (cast: typeof from) =>
    cast?.events.map(({ code, data, ...rest }) => ({ ...rest, code, data: data.length }));
  expect(lengths(to)).toEqual(lengths(from));
  expect(copy.body).not.toContain('# seal');
});

test('an admin may ask for what others see, and others not for what an admin sees', async () => {
  expect((await ask('admin', '/recording?redact=1')).body).not.toContain(SECRET.slice(7));
  expect((await ask('admin', '/logs?redact=1&format=text')).body).toContain(STARS);
  for (const who of HIDDEN_FROM) {
    const refused = await ask(who, '/recording?redact=0');
    expect(refused.status).toBe(403);
    expect(refused.body.error.message).toContain('recordings:raw');
  }
  const raw = await tokenFor(stage, null, ['recordings:read', 'recordings:raw']);
  const path = `/v1/sessions/${session.id}/recording?redact=0`;
  const { body } = await call(stage, 'GET', path, { token: raw });
  expect(body).toBe((await ask('admin', '/recording')).body);
});

test('what is searched for is what is shown', async () => {
  const found = async (who: Who) =>
    (await ask(who, `/logs?search=${SECRET.slice(8, 20)}`)).body.data.logs.length;
  expect(await found('admin')).toBeGreaterThan(0);
  expect(await found('own')).toBe(0);
});

test('the sealed original is as it was, and anybody may have it checked', async () => {
  const verdict = await ask('own', '/recording/verification', 'POST');
  expect(verdict.body.data).toMatchObject({ verdict: 'complete', first_bad: null });
});

test('the audit says who was shown a copy', async () => {
  await ask('own', '/recording');
  const { rows } = await stage.store.audit.list({}, { limit: 5 });
  expect(rows[0]).toMatchObject({ type: 'recording.downloaded', detail: { redacted: true } });
});

test('other rules hide other things, in what was looked through before, too', async () => {
  const rules = { ...BUILTIN_RULES, patterns: [{ name: 'own', match: 'pla[a-z]+' }] };
  const library = openLibrary(stage.recordings);
  const redaction = openRedaction(
    library,
    { root: stage.recordings, keys: NO_KEYS, rules },
    stage.log,
  );
  try {
    expect((await ask('own', '/recording')).body).toContain('plain');
    const other = await ask('own', '/recording', 'GET', anotherApi(stage, { redaction }));
    expect(other.body).toContain('*****\\r\\n');
    expect(other.body).not.toContain('plain');
  } finally {
    await redaction.close();
  }
});

test('a recording that goes on is shown as far as it was looked through', async () => {
  const more = await addSession(
    stage,
    await addUser(stage, 'carol'),
    await addMachine(stage, 'w2'),
  );
  const window = { cols: 80, rows: 24, width: 0, height: 0 };
  const recording = await stage.recorder.start({
    ...{ sessionId: more.id, channel: 1, startedAt: more.startedAt, command: null, title: 'x' },
    pty: { term: 'xterm', window, modes: new Uint8Array() },
  });
  const { key } = recording;
  const row = { sessionId: more.id, channel: 1, key, startedAt: more.startedAt };
  await stage.store.sessions.openRecording(row);
  recording.output(Buffer.from(`export ${SECRET}\r\n`));
  const shown = async () => {
    const path = `/v1/sessions/${more.id}/recording`;
    return String((await call(stage, 'GET', path, { token: tokens.auditor })).body);
  };
  await expect.poll(shown, { timeout: 10_000 }).toContain(`export ${STARS}`);
  recording.output(Buffer.from('and more\r\n'));
  await expect.poll(shown, { timeout: 10_000 }).toContain('and more');
  await recording.end({ type: 'code', code: 0 });
});

test('a token that is still being typed is hidden, and only while it is', async () => {
  const erin = await addUser(stage, 'erin');
  const running = await addSession(stage, erin, await addMachine(stage, 'w4'));
  const startedAt = running.startedAt;
  const channel = { sessionId: running.id, kind: 'shell', command: null, pty: true } as const;
  await stage.store.sessions.openChannel({ ...channel, number: 1, startedAt });
  const window = { cols: 80, rows: 24, width: 0, height: 0 };
  const recording = await stage.recorder.start({
    ...{ sessionId: running.id, channel: 1, startedAt, command: null, title: 'x' },
    pty: { term: 'xterm', window, modes: new Uint8Array() },
  });
  const { key } = recording;
  await stage.store.sessions.openRecording({ sessionId: running.id, channel: 1, key, startedAt });
  const ways = ['/recording', '/recording?format=v2', '/logs', '/logs?format=text'];
  const shown = (way: string, token: string) =>
    call(stage, 'GET', `/v1/sessions/${running.id}${way}`, { token }).then(({ body }) =>
      JSON.stringify(body),
    );
  const known = SECRET.slice(0, 9);
  recording.output(Buffer.from(`ready $ export T=${known}`));
  for (const way of ways) {
    await expect.poll(() => shown(way, tokens.admin), { timeout: 10_000 }).toContain(known);
    await expect
      .poll(() => shown(way, tokens.auditor), { timeout: 10_000 })
      .toContain(`T=${'*'.repeat(known.length)}`);
  }
  recording.output(Buffer.from('\b \b'.repeat(known.length)));
  recording.output(Buffer.from('nothing\r\n'));
  const receipt = await recording.end({ type: 'code', code: 0 });
  await stage.store.sessions.closeRecording(running.id, 1, 'complete', receipt, new Date());
  // What stood there for a while is a line of its own, however long that was.
  const logs = await shown('/logs?format=text', tokens.auditor);
  expect(logs).toContain('nothing');
  expect(logs).not.toContain('***');
});

test('what cannot be looked through is not shown', async () => {
  const huge = await addSession(stage, await addUser(stage, 'dave'), await addMachine(stage, 'w3'));
  await addRecording(stage, huge, 1, { outputs: ['password=x'] });
  const [row] = await stage.store.sessions.recordings(huge.id);
  const failing = {
    ...stage.deps.redaction,
    rules: 'x',
    text: (text: string) => text,
    view: (key: string, id: string, isGrowing: boolean) =>
      stage.deps.redaction.view(`${key}/none`, id, isGrowing),
  };
  expect(row).toBeDefined();
  const other = anotherApi(stage, { redaction: failing });
  const path = `/v1/sessions/${huge.id}/recording`;
  const { status, body } = await call(other, 'GET', path, { token: tokens.auditor });
  expect(status).toBe(503);
  expect(body.error.message).toContain('only an admin');
});

test('nor is the beginning of a text of which the rest cannot be', async () => {
  const second = (await stage.store.sessions.recordings(session.id)).at(-1)?.key;
  const failing = {
    ...stage.deps.redaction,
    rules: 'x',
    text: (text: string) => text,
    view: (key: string, id: string, isGrowing: boolean) =>
      stage.deps.redaction.view(key === second ? `${key}/none` : key, id, isGrowing),
  };
  const other = anotherApi(stage, { redaction: failing });
  for (const way of ['/logs?format=text', '/transcript']) {
    expect((await ask('own', way)).status).toBe(200);
    const { status, body } = await ask('own', way, 'GET', other);
    expect(status).toBe(503);
    expect(body.error.message).toContain('only an admin');
  }
});

test('nothing tells who is no admin whether a guess at a secret is right', async () => {
  const path = `/v1/recordings?session_id=${session.id}`;
  const hashes = async (who: Who) => {
    const detail = (await ask(who, '')).body.data.recordings;
    const kept = (await call(stage, 'GET', path, { token: tokens[who] })).body.data.recordings;
    return [...detail, ...kept].map(({ sha256 }: { sha256: string | null }) => sha256);
  };
  const open = await hashes('admin');
  expect(open).toHaveLength(4);
  for (const hash of open) expect(hash).toMatch(/^[0-9a-f]{64}$/);
  expect((await ask('admin', '/recording/seals')).status).toBe(200);
  for (const who of HIDDEN_FROM) {
    expect(await hashes(who)).toEqual([null, null, null, null]);
    const seals = await ask(who, '/recording/seals');
    expect(seals.status).toBe(403);
    expect((await ask(who, '/recording/verification', 'POST')).status).toBe(200);
    const etag = (await ask(who, '/recording')).headers.get('etag');
    expect(etag).toMatch(/-redacted-/);
    for (const hash of open) expect(etag).not.toContain(hash);
  }
});

test('paths of files that were transferred are shown as all else', async () => {
  const event = {
    protocol: 'sftp',
    operation: 'rename',
    path: `/srv/${SECRET}`,
    target: `/tmp/${SECRET}`,
    direction: null,
    bytesRead: 0,
    bytesWritten: 0,
    result: 'ok',
    sha256: null,
    sequential: true,
    startedAt: new Date('2026-03-01T10:00:00.000Z'),
    duration: 1,
  } as const;
  const batch = { sessionId: session.id, channel: 1, first: 1, events: [event] };
  await stage.store.transfers.append(batch);
  const paths = async (who: Who) => {
    const { transfers } = (await ask(who, '/transfers')).body.data;
    return [transfers[0].path, transfers[0].target];
  };
  expect(await paths('admin')).toEqual([`/srv/${SECRET}`, `/tmp/${SECRET}`]);
  for (const who of HIDDEN_FROM) {
    expect(await paths(who)).toEqual([`/srv/${STARS}`, `/tmp/${STARS}`]);
  }
});
