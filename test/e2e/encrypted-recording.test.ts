import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newAgeKeys } from '../support/age-keys.ts';
import type { ApiAnswer } from '../support/api-call.ts';
import { checkAsciicast } from '../support/asciicast.ts';
import { eventually, within } from '../support/eventually.ts';
import { kill, running } from '../support/processes.ts';
import { needs } from '../support/requirements.ts';
import { type Scratch, scratch } from '../support/scratch.ts';
import { openStage, PASSWORD, type Stage } from '../support/stage.ts';
import { Watcher } from '../support/watcher.ts';

/** Shown by what is run, and in no command's text. */
const SECRET = 'swordfish';
const SHOW_SECRET = 'printf "sword%s\\n" fish';

needs('ssh', 'sshd').describe('recordings that are encrypted to somebody else', () => {
  let stage: Stage;
  let files: Scratch;
  /** Looked at by each start of the bastion. */
  const settings: Record<string, string> = {};
  beforeAll(async () => {
    const keys = await newAgeKeys();
    files = scratch();
    writeFileSync(files.join('identity'), `# a comment\n${keys.identity}\n`, { mode: 0o600 });
    settings['POSTERN_RECORDING_RECIPIENTS'] = keys.recipient;
    stage = await openStage({ settings });
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
    files?.[Symbol.dispose]();
  });

  const inDataDir = (): string[] =>
    readdirSync(stage.bastion.dataDir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
  const keptKeys = (): string[] => inDataDir().filter((name) => name.endsWith('.open'));
  const keyIsGone = (): Promise<unknown> =>
    eventually('no data key is kept', () => keptKeys().length === 0);
  const recording = (id: string, query = ''): Promise<ApiAnswer> =>
    stage.bastion.api(`sessions/${id}/recording${query}`);
  const state = async (id: string): Promise<string | undefined> =>
    (await stage.bastion.session(id)).recordings?.[0]?.state;

  /** The file of a session, as it is downloaded. */
  async function exported(id: string): Promise<string> {
    const file = files.join(`${id}.cast.encrypted`);
    const done = await stage.bastion.cli('recording', 'export', id, '-o', file);
    expect(done).toMatchObject({ status: 0, stderr: '' });
    return file;
  }

  const decrypt = (file: string) =>
    stage.bastion.cli('recording', 'decrypt', file, '--identity', files.join('identity'));

  test('are followed while they go on, and then are closed to this node', async () => {
    const { alice, bastion } = stage;
    const command = `read x; ${SHOW_SECRET}; read x; exit 3`;
    await using screen = alice.terminal('alice+web1', command);
    const session = await eventually('it is active', async () => (await bastion.sessions())[0]);
    const { id } = session;
    expect(keptKeys()).toHaveLength(1);
    const authorization = `Bearer ${bastion.token}`;
    using viewer = new Watcher(`${bastion.url}/v1/sessions/${id}/live`, { authorization });
    screen.type('\r');
    await viewer.shows(SECRET);
    screen.type('\r');
    expect(await screen.exited()).toBe(3);
    expect(await within('it closes', viewer.closed)).toMatchObject({ code: 1000 });
    await bastion.lastEnded();
    await eventually('it is whole', async () => (await state(id)) === 'complete');
    await keyIsGone();

    const file = await recording(id);
    expect(file.headers.get('content-type')).toBe('application/octet-stream');
    expect(file.text).toMatch(/^\{"postern":"encrypted recording",/);
    for (const path of [`recording?format=v3`, 'recording?format=v2', 'logs', 'logs?format=text']) {
      const refused = await bastion.api(`sessions/${id}/${path}`);
      expect(refused.status, path).toBe(409);
      expect(refused.body?.error?.message).toMatch(/is encrypted to age1[a-z0-9]{16}…, and this/);
    }
    const checked = await bastion.api(`sessions/${id}/recording/verification`, { method: 'POST' });
    expect(checked.body?.data).toMatchObject({ verdict: 'locked', parts: null, first_bad: null });
    expect(await state(id)).toBe('complete');
  });

  test('are opened elsewhere, and verified there', async () => {
    const { bastion } = stage;
    const { id } = await bastion.lastEnded();
    const file = await exported(id);
    const done = await decrypt(file);
    expect(done).toMatchObject({ status: 0, stderr: '' });
    const cast = checkAsciicast(done.stdout);
    expect(cast).toMatchObject({ exitStatus: 3 });
    expect(cast.text).toContain(SECRET);
    const key = join(bastion.dataDir, 'recording_seal_key.pub');
    const verify = (...args: string[]) => bastion.cli('recording', 'verify', ...args, '--key', key);
    const without = await verify(file);
    expect(without.status).toBe(2);
    expect(without.stderr).toMatch(/is encrypted to age1\S+; give the file with the secret key/);
    const identity = ['--identity', files.join('identity')];
    const whole = /^complete: \d+ parts? as sealed/;
    expect((await verify(id, ...identity)).stdout.toString()).toMatch(whole);
    const plain = files.join('plain.cast');
    writeFileSync(plain, done.stdout);
    expect((await verify(plain)).stdout.toString()).toMatch(whole);
  });

  test('are said to be so in the console, which offers the file', async () => {
    const { url } = stage.bastion;
    const { id } = await stage.bastion.lastEnded();
    const signIn = await fetch(`${url}/signin`, {
      method: 'POST',
      headers: { 'sec-fetch-site': 'same-origin' },
      body: new URLSearchParams({ name: 'alice', password: PASSWORD, next: '/' }),
      redirect: 'manual',
    });
    const [cookie = ''] = (signIn.headers.get('set-cookie') ?? '').split(';');
    const ask = (path: string) => fetch(`${url}${path}`, { headers: { cookie } });
    const page = await (await ask(`/sessions/${id.replace('sess_', '')}`)).text();
    expect(page).toMatch(/This recording is encrypted to age1[a-z0-9]{16}…/);
    expect(page).not.toContain('id="player"');
    const link = /<a href="(\/sessions\/\d+\/download\/1)" download>/.exec(page)?.[1] ?? '/none';
    const file = await ask(link);
    expect(file.headers.get('content-disposition')).toMatch(/channel-1\.cast\.encrypted"$/);
    expect(await file.text()).toMatch(/^\{"postern":"encrypted recording",/);
  });

  test('are repaired after a crash, and closed then', async () => {
    const { alice, bastion } = stage;
    await using screen = alice.terminal('alice+web1', `${SHOW_SECRET}; exec sleep 1000`);
    await screen.shows(SECRET);
    const session = await eventually('it is active', async () => (await bastion.sessions())[0]);
    await eventually('its recording is on disk', async () =>
      (await bastion.api(`sessions/${session.id}/logs`)).text.includes(SECRET),
    );
    const { family } = bastion;
    // The workers first: one that outlives its server by a moment would seal the recording itself.
    for (const pid of family) if (pid !== bastion.pid) kill(pid, 'SIGKILL');
    await bastion.kill();
    await eventually('no part of it outlives the crash', () => !family.some(running));
    expect(await screen.exited()).toBe(255);
    await bastion.start();
    expect(await state(session.id)).toBe('recovered');
    await keyIsGone();
    const done = await decrypt(await exported(session.id));
    expect(checkAsciicast(done.stdout).text).toContain(SECRET);
  });

  test('leave nothing of what was seen on the node, which shows them with an identity', async () => {
    const { bastion } = stage;
    await bastion.stop();
    const found = inDataDir().filter((name) => readFileSync(name).includes(SECRET));
    expect(found).toEqual([]);
    expect(inDataDir().filter((name) => name.endsWith('.cast'))).toHaveLength(2);

    settings['POSTERN_RECORDING_IDENTITY'] = files.join('identity');
    await bastion.start();
    const [, first] = await bastion.sessions('status=all');
    const id = first?.id ?? '';
    const cast = checkAsciicast((await recording(id, '?format=v3')).text);
    expect(cast).toMatchObject({ version: 3, exitStatus: 3 });
    expect(cast.text).toContain(SECRET);
    expect((await recording(id, '?format=v2')).text).toContain(SECRET);
    expect((await bastion.api(`sessions/${id}/logs`)).text).toContain(SECRET);
    const played = await bastion.cli('session', 'play', id);
    expect(played.stdout.toString()).toContain(SECRET);
    const checked = await bastion.api(`sessions/${id}/recording/verification`, { method: 'POST' });
    expect(checked.body?.data).toMatchObject({ verdict: 'complete', first_bad: null });
    // The file stays what it is.
    expect((await recording(id)).text).toMatch(/^\{"postern":"encrypted recording",/);
  });
});
