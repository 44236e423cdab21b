import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Command, TranscriptBlock } from '../../src/domain/analysis.ts';
import type { Session } from '../../src/domain/session.ts';
import type { User } from '../../src/domain/user.ts';
import {
  type Answer,
  addMachine,
  addRecording,
  addSession,
  addUser,
  call,
  openStage,
  type Stage,
  tokenFor,
} from './stage.ts';

let stage: Stage;
let ada: User;
let bob: User;
let adas: Session;
let tokens: Record<'admin' | 'ada' | 'bob' | 'sessions', string>;

/** A session of one recorded channel that was found to hold this. */
async function shown(
  user: User,
  command: string,
  lines: string,
  outputs = ['x'],
  more: Partial<TranscriptBlock> = {},
): Promise<Session> {
  const web1 = (await stage.store.machines.getByName('web1')) ?? (await addMachine(stage, 'web1'));
  const session = await addSession(stage, user, web1);
  await addRecording(stage, session, 1, { outputs });
  const recording = (await stage.store.sessions.recordings(session.id))[0]?.id ?? 0;
  const commands: readonly Command[] = [
    {
      ...{ channel: 1, index: 0, start: 2.5, end: 3, text: command, exitStatus: 0, cwd: '/' },
      ...{ source: 'osc133', confidence: 'exact' },
    },
  ];
  const blocks: readonly TranscriptBlock[] = [
    {
      ...{ channel: 1, index: 0, from: 83.27, to: 84, text: lines },
      ...{ stream: 'terminal', kind: 'output' },
      ...more,
    },
  ];
  await stage.store.analyses.begin(recording, 1);
  await stage.store.analyses.write(recording, { commands, blocks });
  return session;
}

beforeAll(async () => {
  stage = await openStage();
  ada = await addUser(stage, 'ada');
  bob = await addUser(stage, 'bob');
  adas = await shown(ada, 'deploy --to prod', 'one\ntwo\nDeployed <b>v7</b>\nfour\nfive');
  await shown(bob, 'deploy --to test', 'Deployed v8');
  tokens = {
    admin: await tokenFor(stage, null, ['admin']),
    ada: await tokenFor(stage, ada, ['recordings:read']),
    bob: await tokenFor(stage, bob, ['recordings:read']),
    sessions: await tokenFor(stage, ada, ['sessions:read']),
  };
});

afterAll(() => stage.close());

function ask(query: string, token = tokens.admin): Promise<Answer> {
  return call(stage, 'GET', `/v1/search?${query}`, { token });
}

test('a hit names its session, channel and second, and links to the replay from there', async () => {
  const { status, body } = await ask('q=deployed+v7');
  expect(status).toBe(200);
  expect(body.data).toMatchObject({
    hits: [
      {
        ...{ kind: 'output', session_id: `sess_${adas.id}`, channel: 1, second: 83.27, until: 84 },
        ...{ before: ['one', 'two'], line: 'Deployed <b>v7</b>', after: ['four', 'five'] },
        ...{ user: 'ada', machine: 'web1', login: 'deploy' },
        url: `http://127.0.0.1:8080/sessions/${adas.id}?channel=1&t=83.2&from=start`,
      },
    ],
    pagination: { limit: 20, next_cursor: null },
  });
});

test('who is no admin finds what is theirs alone, whomever they ask for', async () => {
  const users = async (query: string, token: string) =>
    (await ask(query, token)).body.data.hits.map(({ user }: { user: string }) => user);
  expect(await users('q=deploy&kind=command', tokens.admin)).toEqual(['bob', 'ada']);
  expect(await users('q=deploy&kind=command', tokens.ada)).toEqual(['ada']);
  expect(await users(`q=deploy&user_id=${bob.id}`, tokens.ada)).toEqual([]);
  expect(await users(`q=deploy&session_id=${adas.id}`, tokens.bob)).toEqual([]);
  expect(await users(`q=deploy&user_id=usr_${bob.id}&kind=output`, tokens.admin)).toEqual(['bob']);
  expect((await ask('q=deploy', tokens.sessions)).status).toBe(403);
  expect((await call(stage, 'GET', '/v1/search?q=deploy')).status).toBe(401);
});

test('page by page with the cursor', async () => {
  const first = (await ask('q=deploy&limit=3')).body.data;
  expect(first.hits).toHaveLength(3);
  const second = (await ask(`q=deploy&limit=3&cursor=${first.pagination.next_cursor}`)).body.data;
  expect(second).toMatchObject({ hits: [{}], pagination: { next_cursor: null } });
});

test.each([
  ['', 'q'],
  ['q=', 'q'],
  ['q=ab+cd', 'q'],
  [`q=${'x'.repeat(201)}`, 'q'],
  ['q=a%00bc', 'q'],
  ['q=deploy&kind=input', 'kind'],
  ['q=deploy&limit=101', 'limit'],
  ['q=deploy&cursor=12', 'cursor'],
  ['q=deploy&from=2026-02-02&to=2026-01-01', 'from'],
  ['q=deploy&from=yesterday', 'from'],
])('%j is refused, with the field', async (query, field) => {
  const { status, body } = await ask(query);
  expect(status).toBe(400);
  expect(body.error.details).toMatchObject([{ field }]);
});

test('what is secret is neither shown to nor found by who may not see it', async () => {
  const secret = ['AKIA', 'IOSFODNN7EXAMPLE'].join('');
  await shown(ada, `export AWS_KEY=${secret} keyword`, `keyword\nkey is ${secret} here`);
  const lines = async (q: string, token: string) =>
    (await ask(`q=${encodeURIComponent(q)}`, token)).body.data.hits;
  expect(await lines(secret, tokens.admin)).toHaveLength(2);
  expect(await lines('OSFODNN', tokens.admin)).toHaveLength(2);
  expect(await lines(secret, tokens.ada)).toEqual([]);
  expect(await lines('osfodnn keyword', tokens.ada)).toEqual([]);
  const seen = await lines('keyword', tokens.ada);
  expect(seen).toHaveLength(2);
  expect(JSON.stringify(seen)).not.toContain('OSFODNN');
});

/** A line that nothing in it says is secret: the recording has more of it. */
const PIECE = 'hunter2-very-long';

test('a piece of a line whose other pieces say that it is secret is not found', async () => {
  const line = `{"pad":"${'lorem '.repeat(660)}","password":"${PIECE}"}\r\n`;
  const texts = async (token: string) =>
    (await ask(`q=${PIECE}`, token)).body.data.hits.map(({ line: one }: { line: string }) => one);
  await shown(ada, 'cat a.json', `${PIECE}"}`, [line], { from: 0, to: 1 });
  await shown(ada, 'less a.json', `${PIECE}"} pictured`, [line], {
    from: 60,
    to: 60,
    kind: 'screen',
  });
  await shown(ada, 'cat b', `${PIECE} later`, [line], { from: 60, to: 61 });
  await shown(ada, 'cat c', `${PIECE} elsewhere`);
  expect(await texts(tokens.admin)).toHaveLength(4);
  expect(await texts(tokens.ada)).toEqual([`${PIECE} elsewhere`, `${PIECE} later`]);
});

test('nor is what a program shows that has the screen with a private key on it', async () => {
  const body = 'q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ';
  const key = ['-----BEGIN ', 'RSA PRIVATE KEY-----'].join('');
  const outputs = ['\u001b[?1049h\u001b[H', `${key}\r\n${body}\r\n${body}\r\n:`];
  await shown(ada, 'less key.pem', `${body}\n:`, outputs, { from: 3, to: 3, kind: 'screen' });
  expect((await ask(`q=${body.slice(0, 30)}`, tokens.admin)).body.data.hits).toHaveLength(1);
  expect((await ask(`q=${body.slice(0, 30)}`, tokens.ada)).body.data.hits).toEqual([]);
});

test('a search is in the audit, without what was searched for', async () => {
  await ask('q=notablesecret&session_id=999999', tokens.ada);
  const { rows } = await stage.store.audit.list({ type: 'recordings.searched' }, { limit: 100 });
  expect(rows[0]).toMatchObject({ actor: 'ada', detail: { words: 1 } });
  expect(JSON.stringify(rows)).not.toContain('notablesecret');
  expect(stage.log.lines.join('\n')).not.toContain('notablesecret');
});
