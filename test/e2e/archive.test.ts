import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SessionView } from '../support/bastion.ts';
import { eventually } from '../support/eventually.ts';
import { holdProgram } from '../support/held-program.ts';
import { type ObjectStore, startObjectStore } from '../support/object-store.ts';
import { needs } from '../support/requirements.ts';
import { scratch } from '../support/scratch.ts';
import { openStage, type Stage } from '../support/stage.ts';

const PREFIX = 'of/this-bastion';

/** Where seals are noted. */
const NOTED = 'noted';

/** Milliseconds: a store that was away is left alone for a while. */
const BACK = 90_000;

needs('ssh', 'sshd', 'swift').describe('a bastion with an S3-compatible store', () => {
  let objects: ObjectStore;
  let stage: Stage;
  beforeAll(async () => {
    objects = await startObjectStore();
    const { POSTERN_RECORDINGS: noted = '' } = objects.settings(NOTED);
    stage = await openStage({
      settings: {
        ...objects.settings(PREFIX),
        POSTERN_RECORDINGS_CACHE: '0',
        POSTERN_SEAL_SINKS: noted,
      },
    });
  }, 120_000);
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
    await objects?.[Symbol.asyncDispose]();
  });

  function keyOf({ id, started_at }: Pick<SessionView, 'id' | 'started_at'>): string {
    return `${started_at.slice(0, 10).replaceAll('-', '/')}/${id}-1.cast`;
  }

  function path(session: SessionView): string {
    return join(stage.bastion.dataDir, 'recordings', keyOf(session));
  }

  function nameOf(session: SessionView): string {
    return `${PREFIX}/${keyOf(session)}`;
  }

  /** Waits until the session's recording is in the store. */
  async function archived(session: SessionView): Promise<Buffer> {
    const name = nameOf(session);
    const isThere = async (): Promise<boolean> => (await objects.objects(name)).length === 1;
    await eventually('it is in the store', isThere, BACK);
    expect(await objects.uploads(name)).toEqual([]);
    return await objects.get(name);
  }

  /** As `archived`, and the bastion knows it, and has to fetch it who next reads it. */
  async function moved(session: SessionView): Promise<Buffer> {
    const object = await archived(session);
    // It goes by itself too, some time after whoever looks recordings through has read it.
    rmSync(path(session), { force: true });
    const head = { method: 'HEAD' };
    const isKnown = async (): Promise<boolean> =>
      (await stage.bastion.api(`sessions/${session.id}/recording`, head)).status === 200;
    await eventually('the bastion knows where it is', isKnown, BACK);
    return object;
  }

  async function readiness(archive: string): Promise<void> {
    const says = async (): Promise<boolean> => {
      const { status, text } = await stage.bastion.api('/readyz', { token: null });
      return status === 200 && text.includes(`"archive":"${archive}"`);
    };
    await eventually(`the store is ${archive}`, says, BACK);
  }

  async function verdict(id: string): Promise<string> {
    const path = `sessions/${id}/recording/verification`;
    const { text } = await stage.bastion.api(path, { method: 'POST' });
    return /"verdict":"(\w+)"/.exec(text)?.[1] ?? text;
  }

  test('has a recording there byte for byte, and verifies, plays and hands it out from there', async () => {
    const { alice, bastion } = stage;
    expect(await alice.ssh('alice+web1', 'echo to be kept; exit 3')).toMatchObject({ status: 3 });
    const session = await bastion.lastEnded();
    const object = await moved(session);
    await readiness('up');
    const verified = await bastion.cli('recording', 'verify', session.id);
    expect(verified).toMatchObject({ status: 0 });
    const { text, headers } = await bastion.api(`sessions/${session.id}/recording`);
    expect(text).toBe(object.toString());
    expect(headers.get('content-length')).toBe(String(object.length));
    expect(text).toContain('to be kept');
    const logs = await bastion.api(`sessions/${session.id}/logs?format=text`);
    expect(logs.text).toContain('to be kept');
    expect(bastion.log).not.toContain('testing');
  });

  test('has the seals in a bucket too, and they verify', async () => {
    const { alice, bastion } = stage;
    expect(await alice.ssh('alice+web1', 'echo sealed')).toMatchObject({ status: 0 });
    const { id } = await bastion.lastEnded();
    const seals = await eventually('its seals are there', async () => {
      const names = await objects.objects(`${NOTED}/seals/`);
      const all = await Promise.all(names.map((name) => objects.get(name)));
      const text = Buffer.concat(all).toString();
      return text.includes(`"session_id":"${id}"`) ? text : null;
    });
    using dir = scratch();
    const [cast, keys, file] = [dir.join('x.cast'), dir.join('keys.pem'), dir.join('seals')];
    writeFileSync(file, seals);
    writeFileSync(keys, (await bastion.cli('recording', 'keys')).stdout);
    expect(await bastion.cli('recording', 'export', id, '-o', cast)).toMatchObject({ status: 0 });
    const check = ['recording', 'verify', cast, '--key', keys, '--seals', file];
    expect(await bastion.cli(...check)).toMatchObject({ status: 0 });
    const text = readFileSync(cast, 'utf8');
    writeFileSync(cast, text.slice(0, text.lastIndexOf('# seal')));
    expect(await bastion.cli(...check)).toMatchObject({ status: 1 });
    await eventually('it is said that it is up', async () => {
      const { text: ready } = await bastion.api('/readyz', { token: null });
      return ready.includes('{"type":"bucket","state":"up"}');
    });
  });

  test('goes on while the store is away, and sends everything when it is back', async () => {
    const { alice, bastion } = stage;
    const held = await holdProgram(bastion, alice, 'alice+web1');
    await objects.stop();
    expect(await alice.ssh('alice+web1', 'exit 3')).toMatchObject({ status: 3 });
    const meanwhile = await bastion.lastEnded();
    await readiness('away');
    await bastion.api(`sessions/${held.id}`, { method: 'DELETE' });
    await held.ended;
    const { text } = await bastion.api(`sessions/${meanwhile.id}/recording`);
    expect(text).toContain('# seal');
    // Neither its end nor its start needs the store.
    expect(await bastion.stop()).toMatchObject({ code: 0 });
    await bastion.start();
    await readiness('away');
    expect(await alice.ssh('alice+web1', 'exit 3')).toMatchObject({ status: 3 });
    const later = await bastion.lastEnded();
    await objects.start();
    for (const session of [meanwhile, await bastion.session(held.id), later]) {
      expect((await archived(session)).toString()).toContain('# seal');
    }
    await readiness('up');
  }, 180_000);

  test('goes on with an upload after a crash', async () => {
    const { alice, bastion } = stage;
    const output = 'head -c 9000000 /dev/urandom | base64; echo all of it; exec sleep 1000';
    const held = await holdProgram(bastion, alice, 'alice+web1', ['-tt'], output);
    const session = await bastion.session(held.id);
    const isSent = (): boolean =>
      existsSync(`${path(session)}.upload`) &&
      readFileSync(`${path(session)}.upload`, 'utf8').includes('"number":1');
    await eventually('a part was sent', isSent, 20_000);
    await bastion.kill();
    await held.ended;
    await bastion.start();
    const object = await archived(session);
    expect(object.length).toBeGreaterThan(8 * 2 ** 20);
    expect(await verdict(session.id)).toMatch(/^(?:recovered|complete)$/);
    const { text } = await bastion.api(`sessions/${session.id}/recording`);
    expect(text === object.toString()).toBe(true);
  }, 120_000);

  test('that is stopped sends what it was recording', async () => {
    const { alice, bastion } = stage;
    const held = await holdProgram(bastion, alice, 'alice+web1');
    const session = await bastion.session(held.id);
    expect(await bastion.stop()).toMatchObject({ code: 0 });
    await held.ended;
    const object = await objects.get(nameOf(session));
    expect(object.toString()).toMatch(/# seal [^\n]*"final"[^\n]*\n$/);
    await bastion.start();
    expect(await verdict(session.id)).toBe('complete');
  });

  test('finds out what was changed there, and deletes there what is deleted', async () => {
    const { alice, bastion } = stage;
    await alice.ssh('alice+web1', 'echo original');
    const session = await bastion.lastEnded();
    const object = await moved(session);
    const name = nameOf(session);
    const changed = object.toString().replace('original', 'tampered');
    await objects.put(name, new Uint8Array(Buffer.from(changed)));
    // Somebody may have been fetching the one of before.
    const isRefused = async (): Promise<boolean> => {
      rmSync(path(session), { force: true });
      return (await bastion.api(`sessions/${session.id}/recording`)).status === 409;
    };
    await eventually('it is not handed out', isRefused);
    const failed = await bastion.cli('recording', 'verify', session.id);
    expect(failed.status).toBe(1);
    expect(await verdict(session.id)).toBe('tampered');
    expect((await bastion.session(session.id)).recordings).toMatchObject([{ state: 'tampered' }]);
    expect(await bastion.cli('recording', 'rm', session.id)).toMatchObject({ status: 0 });
    await eventually('it has gone', async () => (await objects.objects(name)).length === 0);
    expect((await bastion.api(`sessions/${session.id}/recording`)).status).toBe(404);
    const names = readdirSync(dirname(path(session)));
    expect(names.filter((one) => one.startsWith(`${session.id}-`))).toEqual([]);
  });
});
