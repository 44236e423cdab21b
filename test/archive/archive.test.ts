import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type ObjectStore, startObjectStore } from '../support/object-store.ts';
import { needs } from '../support/requirements.ts';
import { ArchiveLab, bytesOf } from './lab.ts';

const MB = 1024 * 1024;

// A store that was away is left alone for a while, and the machine may be busy.
vi.setConfig({ testTimeout: 60_000 });

/** No two pieces of it are the same. */
function noise(bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(randomBytes(bytes));
}

needs('swift').describe('recordings in an S3-compatible store', () => {
  let objects: ObjectStore;
  let lab: ArchiveLab;
  let count = 0;
  beforeAll(async () => {
    objects = await startObjectStore();
  });
  afterAll(() => objects?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    count += 1;
    lab = await ArchiveLab.open(objects, `test-${count}`);
  });
  afterEach(() => lab?.[Symbol.asyncDispose]());

  /** Written, ended, and in the store. */
  async function archived(bytes: Uint8Array, mostCopies = 0): Promise<string> {
    const key = await lab.write(bytes);
    await lab.end(key);
    lab.begin({ mostCopies });
    await lab.archived(key);
    return key;
  }

  async function gone(key: string): Promise<void> {
    await eventually('the local file has gone', () => !existsSync(lab.path(key)));
  }

  test('one that has ended arrives byte for byte, and is read from there when its file has gone', async () => {
    const bytes = noise(300_000);
    const key = await archived(bytes);
    await gone(key);
    expect(await objects.get(lab.name(key))).toEqual(Buffer.from(bytes));
    const { library } = lab.archive;
    expect(await library.stat(key)).toMatchObject({ modifiedAt: expect.any(Date) });
    const read = await bytesOf(library.read(key, 0, bytes.length));
    expect(read).toEqual(Buffer.from(bytes));
    expect(existsSync(lab.path(key))).toBe(true);
    expect(existsSync(`${lab.path(key)}.upload`)).toBe(false);
  });

  test('as many copies stay as there is room for, and no file that is not in the store goes', async () => {
    const bytes = noise(100_000);
    const first = await lab.write(bytes);
    const open = await lab.write(bytes);
    await lab.end(first);
    lab.begin({ mostCopies: 150_000 });
    await lab.archived(first);
    const second = await lab.write(bytes);
    await lab.end(second);
    await lab.archived(second);
    await gone(first);
    expect(existsSync(lab.path(second))).toBe(true);
    expect(existsSync(lab.path(open))).toBe(true);
  });

  test('a large one is sent in parts while it is written, and left whole', async () => {
    const bytes = noise(20 * MB);
    const key = await lab.write(bytes.subarray(0, 9 * MB));
    lab.begin();
    await eventually('a part was sent', () => existsSync(`${lab.path(key)}.upload`));
    await eventually('it is noted', () => /"number":1/.test(notes(key)), 20_000);
    expect(await objects.uploads(lab.name(key))).toEqual([lab.name(key)]);
    lab.append(key, bytes.subarray(9 * MB));
    await eventually('the next part was sent', () => /"number":2/.test(notes(key)), 20_000);
    await lab.end(key);
    await lab.archived(key);
    expect((await objects.get(lab.name(key))).equals(bytes)).toBe(true);
    expect(await objects.uploads(lab.name(key))).toEqual([]);
  });

  function notes(key: string): string {
    return readFileSync(`${lab.path(key)}.upload`, 'utf8');
  }

  test('what a crash interrupted goes on where it was, with what repairing has changed', async () => {
    const bytes = noise(18 * MB);
    const key = await lab.write(bytes);
    lab.begin();
    await eventually('two parts are noted', () => /"number":2/.test(notes(key)), 20_000);
    await lab.cut();
    const upload = notes(key);
    // Half a line, as a crash leaves it, and a file that was cut and sealed anew.
    writeFileSync(`${lab.path(key)}.upload`, `${upload}{"number":3,"byt`);
    truncateSync(lab.path(key), 15 * MB);
    lab.append(key, Buffer.from('the end\n'));
    await lab.end(key);
    lab.begin();
    await lab.archived(key);
    const repaired = Buffer.concat([bytes.subarray(0, 15 * MB), Buffer.from('the end\n')]);
    expect((await objects.get(lab.name(key))).equals(repaired)).toBe(true);
    expect(await objects.uploads(lab.name(key))).toEqual([]);
  });

  test('an upload that was begun and not noted does not stay', async () => {
    const key = await lab.write(noise(9 * MB));
    lab.begin();
    await eventually('a part is noted', () => /"number":1/.test(notes(key)), 20_000);
    await lab.cut();
    writeFileSync(`${lab.path(key)}.upload`, '');
    await lab.end(key);
    lab.begin();
    await lab.archived(key);
    expect(await objects.uploads(lab.name(key))).toEqual([]);
  });

  test('one that came to the store without anybody noting it is known again; another one is not touched', async () => {
    const bytes = noise(1000);
    const [mine, other] = [await lab.write(bytes), await lab.write(bytes)];
    await objects.put(lab.name(mine), bytes);
    await objects.put(lab.name(other), noise(1000));
    await lab.end(mine);
    await lab.end(other);
    lab.begin();
    await lab.archived(mine);
    const [event] = await eventually('it is audited', async () => {
      const events = await lab.audited();
      return events.length > 0 ? events : null;
    });
    expect(event?.detail).toMatchObject({ key: other, reason: expect.stringMatching(/^another/) });
    expect(existsSync(lab.path(other))).toBe(true);
    expect(await lab.store.archive.find(other)).toBeNull();
  });

  test('while the store is away recordings wait, and the log says when that begins and ends', async () => {
    lab.begin();
    await objects.stop();
    const bytes = noise(1000);
    const key = await lab.write(bytes);
    await lab.end(key);
    await eventually('it is away', () => lab.archive.state === 'away', 30_000);
    expect(await bytesOf(lab.archive.library.read(key, 0, 1000))).toEqual(Buffer.from(bytes));
    await objects.start();
    await lab.archived(key);
    expect(lab.archive.state).toBe('up');
    const about = lab.log.lines.filter(({ message }) =>
      message.includes('the store of recordings'),
    );
    expect(about.map(({ message }) => message)).toEqual([
      'the store of recordings is away; they wait here',
      'the store of recordings answers again',
    ]);
    expect(await lab.audited()).toEqual([]);
  });

  test('one that is only in a store that is away cannot be read, and can be when it is back', async () => {
    const bytes = noise(1000);
    const key = await archived(bytes);
    await gone(key);
    await objects.stop();
    const { library } = lab.archive;
    await expect(library.bring(key)).rejects.toMatchObject({ code: 'recording.away' });
    await objects.start();
    expect(await bytesOf(library.read(key, 0, 1000))).toEqual(Buffer.from(bytes));
  });

  test('with wrong keys nothing is sent: the log, the state and the audit say so, once', async () => {
    const key = await lab.write(noise(1000));
    await lab.end(key);
    lab.begin({ secretKey: 'wrong' });
    await eventually('it is audited', async () => (await lab.audited()).length > 0);
    expect(lab.archive.state).toBe('refused');
    expect((await lab.audited())[0]?.detail).toMatchObject({
      key,
      reason: expect.stringContaining('403'),
    });
    expect(existsSync(lab.path(key))).toBe(true);
    await lab.cut();
    expect(lab.log.lines.some(({ message }) => message.includes('refuses'))).toBe(true);
    expect(JSON.stringify(lab.log.lines)).not.toContain('wrong');
    lab.begin();
    await lab.archived(key);
    expect(await lab.audited()).toHaveLength(1);
  });

  test('many who ask for one at once wait for one fetch', async () => {
    const bytes = noise(2 * MB);
    const key = await archived(bytes);
    await gone(key);
    const { library } = lab.archive;
    const readers = Array.from({ length: 8 }, () => bytesOf(library.read(key, 0, bytes.length)));
    for (const read of await Promise.all(readers)) expect(read.equals(bytes)).toBe(true);
    expect(await objects.reads(lab.name(key))).toBe(1);
  });

  test('where room is short copies go, and none is fetched', async () => {
    const key = await archived(noise(1000), MB);
    expect(existsSync(lab.path(key))).toBe(true);
    await lab.cut();
    lab.begin({ mostCopies: MB, minFree: 2 ** 60 });
    await gone(key);
    const bringing = lab.archive.library.bring(key);
    await expect(bringing).rejects.toMatchObject({ code: 'recording.no_room_here' });
  });

  test('another node reads what is there, and deletes it; the copy of the first goes too', async () => {
    const bytes = noise(1000);
    const key = await archived(bytes, MB);
    const other = lab.beginOther();
    expect(await bytesOf(other.library.read(key, 0, 1000))).toEqual(Buffer.from(bytes));
    await lab.delete(key, other);
    const hasLeft = async () => (await objects.objects(lab.name(key))).length === 0;
    await eventually('the object has gone', hasLeft, 20_000);
    expect(await other.library.stat(key)).toBeNull();
    await lab.cut();
    lab.begin({ mostCopies: MB });
    await gone(key);
  });

  test('what was deleted leaves the store, also when that was away, and does not come back', async () => {
    const key = await archived(noise(1000));
    await gone(key);
    await objects.stop();
    await lab.delete(key);
    expect(await lab.archive.library.stat(key)).toBeNull();
    await eventually('it is away', () => lab.archive.state === 'away', 30_000);
    await objects.start();
    await eventually(
      'the object has gone',
      async () => (await objects.objects(lab.name(key))).length === 0,
      30_000,
    );
    await lab.archive.library.bring(key);
    expect(existsSync(lab.path(key))).toBe(false);
  });

  test('deleting one that is being sent ends its upload', async () => {
    const key = await lab.write(noise(9 * MB));
    lab.begin();
    await eventually('a part is noted', () => /"number":1/.test(notes(key)), 20_000);
    await lab.cut();
    await lab.end(key);
    const [recording] = await lab.store.sessions.recordings(Number(/_(\d+)-/.exec(key)?.[1]));
    await lab.store.recordings.remove(recording?.id ?? 0, 'root', new Date());
    lab.begin();
    await eventually(
      'the upload has gone',
      async () => (await objects.uploads(lab.name(key))).length === 0,
      20_000,
    );
    await eventually('nothing is left here', () => !existsSync(`${lab.path(key)}.upload`));
    expect(await objects.objects(lab.name(key))).toEqual([]);
  });

  test('what is not what was sent is not read, and checking it says so', async () => {
    const bytes = noise(1000);
    const key = await archived(bytes);
    await gone(key);
    const changed = Uint8Array.from(bytes);
    changed[500] = (changed[500] ?? 0) ^ 1;
    await objects.put(lab.name(key), changed);
    const { library } = lab.archive;
    await expect(library.bring(key)).rejects.toMatchObject({ code: 'recording.altered' });
    expect(existsSync(lab.path(key))).toBe(false);
    const identity = { session: 1, channel: 1 };
    const known = { keys: [], seals: [], identity, sha256: null };
    expect(await library.verify(key, known)).toMatchObject({ state: 'tampered' });
  });

  test('stopping sends what has ended', async () => {
    lab.begin();
    const keys = await Promise.all([1, 2, 3, 4, 5].map(() => lab.write(noise(1000))));
    for (const key of keys) await lab.end(key);
    await lab.archive.close(60_000);
    expect(await objects.objects(lab.name(''))).toHaveLength(5);
  });
});
