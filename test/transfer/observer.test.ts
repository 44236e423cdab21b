import { createHash, randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Program } from '../../src/domain/terminal.ts';
import type { TransferEvent, TransferWatch } from '../../src/domain/transfer.ts';
import { createLogger } from '../../src/log/logger.ts';
import { ThreadedObserver } from '../../src/transfer/observer.ts';
import { within } from '../support/eventually.ts';
import { packet, SFTP, text, uint32, uint64 } from './wire.ts';

const EXIT = { type: 'code', code: 0 } as const;
const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
const log = createLogger({ level: 'error', format: 'json', stream: sink });

let observer: ThreadedObserver;
let kept: TransferEvent[];
let firsts: number[];

beforeEach(() => {
  observer = new ThreadedObserver({ log });
  kept = [];
  firsts = [];
});

afterEach(async () => {
  await observer.close();
});

function watch(program: Program, by: ThreadedObserver = observer): TransferWatch {
  const watching = by.watch(program, (first, events) => {
    firsts.push(first);
    kept.push(...events);
    return Promise.resolve();
  });
  if (watching === null) throw new Error('nothing to watch');
  return watching;
}

/** Says it when there is room, as the pipe does. */
async function say(watching: TransferWatch, from: 'user' | 'machine', bytes: Buffer) {
  const goesOn = from === 'user' ? watching.fromUser(bytes) : watching.toUser(bytes);
  if (!goesOn) await within('room', new Promise<void>((go) => watching.onDrain(go)));
  return goesOn;
}

const opening = packet(3, uint32(1), text('/srv/big'), uint32(0x1a), uint32(0));
const handle = packet(102, uint32(1), text('h'));
const ok = (id: number) => packet(101, uint32(id), uint32(0), text(''), text(''));

async function upload(watching: TransferWatch, content: Buffer): Promise<number> {
  const size = 32 * 1024;
  let pauses = 0;
  await say(watching, 'user', opening);
  await say(watching, 'machine', handle);
  for (let at = 0, id = 2; at < content.length; at += size, id += 1) {
    const piece = text(content.subarray(at, at + size));
    const goesOn = await say(watching, 'user', packet(6, uint32(id), text('h'), uint64(at), piece));
    if (!goesOn) pauses += 1;
    await say(watching, 'machine', ok(id));
  }
  await say(watching, 'user', packet(4, uint32(1), text('h')));
  await say(watching, 'machine', ok(1));
  return pauses;
}

test('a long transfer is hashed in the thread; its source pauses where that is behind', async () => {
  const content = randomBytes(16 * 1024 * 1024);
  const watching = watch(SFTP);
  const pauses = await upload(watching, content);
  const totals = await within('the end', watching.end(EXIT));
  expect(totals).toMatchObject({ files: 1, bytesWritten: content.length, stopped: null });
  expect(kept).toMatchObject([
    { path: '/srv/big', sha256: createHash('sha256').update(content).digest('hex') },
  ]);
  expect(firsts).toEqual([1]);
  expect(pauses).toBeGreaterThan(0);
});

test('channels at the same time do not mix', async () => {
  const contents = [randomBytes(500_000), randomBytes(700_000), randomBytes(10)];
  const watchings = contents.map(() => watch(SFTP));
  await Promise.all(watchings.map((one, at) => upload(one, contents[at] ?? Buffer.alloc(0))));
  await within('the ends', Promise.all(watchings.map((one) => one.end(EXIT))));
  const hashes = contents.map((one) => createHash('sha256').update(one).digest('hex'));
  expect(kept.map(({ sha256 }) => sha256).sort()).toEqual(hashes.sort());
});

test('a stream that cannot be read is copied no further', async () => {
  const watching = watch(SFTP);
  await say(watching, 'user', Buffer.alloc(64));
  await expect.poll(() => kept).toMatchObject([{ operation: 'unreadable' }]);
  for (let round = 0; round < 200; round += 1) {
    expect(watching.fromUser(Buffer.alloc(64 * 1024))).toBe(true);
  }
  const totals = await within('the end', watching.end(EXIT));
  expect(totals.stopped).toBe(kept[0]?.result);
});

test('a transfer waits for the observer no longer than it may', async () => {
  const late = new ThreadedObserver({ log, maxInFlight: 1, patienceMs: 0 });
  const watching = watch(SFTP, late);
  await say(watching, 'user', opening);
  const totals = await within('the end', watching.end(EXIT));
  expect(totals.stopped).not.toBeNull();
  expect(kept.at(-1)).toMatchObject({ operation: 'unreadable', result: totals.stopped });
  await late.close();
});

test('rsync says which way and where, and its bytes are counted', async () => {
  const command = 'rsync --server --sender -vlogDtpre.iLsfxC . /srv/a "/srv/b c"';
  const watching = watch({ type: 'exec', command });
  await say(watching, 'user', Buffer.from('abc'));
  await say(watching, 'machine', Buffer.from('defgh'));
  await watching.end({ type: 'code', code: 23 });
  expect(kept).toMatchObject([
    {
      protocol: 'rsync',
      operation: 'tree',
      path: '/srv/a /srv/b c',
      direction: 'download',
      bytesWritten: 3,
      bytesRead: 5,
      sha256: null,
      result: 'exit 23',
    },
  ]);
});

test('closing cuts what goes on', async () => {
  const watching = watch(SFTP);
  await say(watching, 'user', opening);
  await say(watching, 'machine', handle);
  await observer.close();
  expect(await watching.end(EXIT)).toMatchObject({ files: 1 });
  expect(kept).toMatchObject([{ result: 'cut' }]);
});
