import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TranscriptBlock } from '../../src/domain/analysis.ts';
import { CONSOLE_COOKIE, hashBearer, newBearer } from '../../src/domain/bearer.ts';
import type { Session } from '../../src/domain/session.ts';
import type { User } from '../../src/domain/user.ts';
import { createConsole } from '../../src/web/console.ts';
import {
  addMachine,
  addRecording,
  addSession,
  addUser,
  openStage,
  type Stage,
} from '../api/stage.ts';
import { consoleDeps } from './deps.ts';

let stage: Stage;
let web: ReturnType<typeof createConsole>;
let session: Session;
let admin: string;
let bob: string;

/** What a browser that `user` has signed in with sends. */
async function cookieFor(user: User): Promise<string> {
  const secret = newBearer();
  await stage.store.tokens.create({
    ...{ userId: user.id, kind: 'web', name: 'browser', scopes: ['admin'], expiresAt: null },
    hash: await hashBearer(secret),
  });
  return `${CONSOLE_COOKIE}=${secret}`;
}

beforeAll(async () => {
  stage = await openStage();
  web = createConsole(consoleDeps(stage));
  const ada = await addUser(stage, 'ada', 'admin');
  admin = await cookieFor(ada);
  bob = await cookieFor(await addUser(stage, 'bob'));
  session = await addSession(stage, ada, await addMachine(stage, 'web1'));
  await addRecording(stage, session, 1, { outputs: ['x'] });
  await stage.store.sessions.end(session.id, {
    ...{ endedAt: new Date(), reason: 'client_closed', bytesIn: 0, bytesOut: 0 },
  });
  const recording = (await stage.store.sessions.recordings(session.id))[0]?.id ?? 0;
  const blocks = Array.from(
    { length: 22 },
    (_, index): TranscriptBlock => ({
      ...{ channel: 1, index, from: index, to: index, stream: 'terminal', kind: 'output' },
      text: index === 21 ? 'before\n<script>NEEDLE & pin</script>\nafter' : `thread ${index}`,
    }),
  );
  await stage.store.analyses.begin(recording, 1);
  await stage.store.analyses.write(recording, { commands: [], blocks });
});

afterAll(() => stage.close());

async function page(query: string, cookie = admin): Promise<string> {
  const answer = await web.request(`http://127.0.0.1:8080/search?${query}`, {
    headers: { cookie },
  });
  expect(answer.status).toBe(200);
  return await answer.text();
}

test('a hit is shown as text, its words marked, and leads to its second', async () => {
  const text = await page('q=needle');
  expect(text).toContain('&lt;script&gt;<mark>NEEDLE</mark> &amp; pin&lt;/script&gt;');
  expect(text).toContain(`href="/sessions/${session.id}?channel=1&amp;t=21"`);
  expect(text).toContain('before');
  expect(text).not.toContain('rel="next"');
});

test('the form keeps what was asked, and older hits are one click away', async () => {
  const text = await page('q=thread&machine=web1&kind=output&from=2020-01-01');
  expect(text).toContain('value="thread"');
  expect(text).toContain('value="2020-01-01"');
  const [, next = ''] = /href="\/search\?([^"]+)" rel="next"/.exec(text) ?? [];
  const older = await page(next.replaceAll('&amp;', '&'));
  expect(older).toContain('<mark>thread</mark> 0');
  expect(older).not.toContain('<mark>thread</mark> 20');
});

test('what cannot be searched is said; nothing of what one may not see is', async () => {
  expect(await page('q=ab')).toContain('at least 3 characters');
  expect(await page('q=needle&from=soon')).toContain('A day is written');
  expect(await page('q=needle&machine=nowhere')).toContain('Nothing was found.');
  expect(await page('q=needle&user=ada', bob)).toContain('Nothing was found.');
  expect(await page('q=needle', bob)).toContain('Nothing was found.');
  expect(await page('')).not.toContain('Nothing');
});
