/**
 * What long recordings cost to replay: the making of the index, and in a real Chromium opening, seeking
 * forward and back, the heap of the page and the resident memory of Chromium's renderer. Prints a table.
 *
 *   sh scripts/node.sh bench/replay.ts [MEGABYTES …]
 */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, stdout } from 'node:process';
import { setTimeout as rest } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import type { Logger } from '../src/domain/log.ts';
import type { ReplayIndex } from '../src/domain/replay.ts';
import { openLibrary } from '../src/recorder/library.ts';
import { openRecorder } from '../src/recorder/recorder.ts';
import { newSigningKey } from '../src/recorder/signer.ts';
import { FileReplays } from '../src/replay/replays.ts';
import { openPage } from '../test/support/chromium.ts';

const SIZES = argv.length > 2 ? argv.slice(2).map(Number) : [200, 1000];

const quiet: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message, fields) => stdout.write(`${message} ${JSON.stringify(fields)}\n`),
  error: (message) => stdout.write(`${message}\n`),
  child: () => quiet,
};

/** A screen's worth of what terminals show: listings, logs, frames of a full-screen program, CJK. */
function output(n: number): Buffer {
  const rows = Array.from({ length: 30 }, (_, row) => {
    const id = n * 30 + row;
    if (n % 4 === 0)
      return `-rw-r--r-- 1 deploy deploy ${id} Nov 22 \x1b[1;32mfile-${id}.txt\x1b[0m\r\n`;
    if (n % 4 === 1)
      return `\x1b[36m10:20:${id % 60}\x1b[0m GET /api/v1/things/${id} 200 ${id % 97} ms\r\n`;
    if (n % 4 === 2) return `\x1b[${row + 1};1H\x1b[4${id % 8}m${'#'.repeat(id % 60)}\x1b[0m\x1b[K`;
    return `目录 ${id} テスト 한국어 2026-11-22\r\n`;
  });
  return Buffer.from(rows.join(''));
}

async function record(root: string, megabytes: number): Promise<string> {
  const recorder = await openRecorder({ root, log: quiet, sealingKey: newSigningKey() });
  const window = { cols: 120, rows: 40, width: 0, height: 0 };
  const recording = await recorder.start({
    sessionId: megabytes,
    channel: 1,
    startedAt: new Date(),
    pty: { term: 'xterm', window, modes: new Uint8Array() },
    command: null,
    title: 'bench',
  });
  const path = join(root, recording.key);
  for (let n = 0; n % 512 !== 0 || n === 0 || statSync(path).size < megabytes * 1e6; n += 1) {
    if (!recording.output(output(n))) await new Promise<void>((done) => recording.onDrain(done));
    else if (n % 16 === 0) await rest(0);
  }
  await recording.end(null);
  await recorder.close();
  return recording.key;
}

const BUNDLE = new URL('../node_modules/asciinema-player/dist/bundle/', import.meta.url);

const SCRIPT = `
let player;
async function open() {
  const began = performance.now();
  const place = document.body.appendChild(document.createElement('div'));
  const source = { driver: 'recording', format: 'segmented', url: '/index' };
  player = AsciinemaPlayer.create(source, place, { preload: true, poster: 'npt:0:01' });
  await player.seek(0.001);
  return performance.now() - began;
}
async function seek(to) {
  const began = performance.now();
  await player.seek(to);
  await new Promise((done) => requestAnimationFrame(done));
  return performance.now() - began;
}`;

const PAGE = `<!doctype html><link rel="stylesheet" href="/asciinema-player.css">
<script src="/asciinema-player.min.js"></script><script>${SCRIPT}</script><body>`;

function serve(replays: FileReplays, key: string, index: ReplayIndex) {
  const segments = index.starts.map((start, at) => ({ start, url: `segment/${at}` }));
  const { duration, cols, rows } = index;
  const json = JSON.stringify({ version: 1, duration, term: { cols, rows }, segments });
  const bodyOf = async (path: string): Promise<[string, Buffer | string | Uint8Array]> => {
    if (path === '/') return ['text/html', PAGE];
    if (path === '/index') return ['application/json', json];
    const part = /^\/segment\/(\d+)$/.exec(path)?.[1];
    if (part === undefined) {
      const type = path.endsWith('.js') ? 'text/javascript' : 'text/css';
      return [
        type,
        path.includes('player') ? readFileSync(fileURLToPath(new URL(`.${path}`, BUNDLE))) : '',
      ];
    }
    const packed = await replays.segment(key, index.build, Number(part));
    return ['application/json', packed ?? ''];
  };
  return createServer((request, response) => {
    const path = request.url ?? '/';
    bodyOf(path).then(
      ([type, body]) => {
        const packed = path.startsWith('/segment/') ? { 'Content-Encoding': 'gzip' } : {};
        response.writeHead(200, { 'Content-Type': type, ...packed }).end(body);
      },
      () => response.destroy(),
    );
  });
}

/** What the page's scripts hold, in MB. */
async function heapOf(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  return usedSize / 1e6;
}

/** What the processes that show pages hold, in MB: Linux alone. */
async function residentOf(page: Page): Promise<number> {
  const session = await page.context().browser()?.newBrowserCDPSession();
  const { processInfo = [] } = (await session?.send('SystemInfo.getProcessInfo')) ?? {};
  const renderers = processInfo.filter(({ type }) => type === 'renderer');
  const kilobytes = renderers.map(({ id }) => {
    const status = readFileSync(`/proc/${id}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN);
  });
  return kilobytes.reduce((sum, one) => sum + one, 0) / 1000;
}

async function inBrowser(url: string): Promise<string[]> {
  await using opened = await openPage();
  const { page } = opened;
  await page.goto(url);
  const before = await residentOf(page);
  const ms = async (call: string) => Number(await page.evaluate(call)).toFixed(0);
  const figures = [
    await ms('open()'),
    await ms("seek('50%')"),
    await ms("seek('90%')"),
    await ms("seek('10%')"),
    await ms("seek('99%')"),
    await ms("seek('98%')"),
  ];
  const resident = `${before.toFixed(0)}>${(await residentOf(page)).toFixed(0)}`;
  return [...figures, (await heapOf(page)).toFixed(0), resident];
}

async function row(megabytes: number): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), 'postern-replay-'));
  const library = openLibrary(root);
  const worker = new URL('../src/app/replay-worker.ts', import.meta.url);
  const replays = new FileReplays({ library, root, worker, log: quiet, shown: null });
  try {
    const key = await record(root, megabytes);
    const size = statSync(join(root, key)).size / 1e6;
    const began = performance.now();
    while ((await replays.prepare(key)).state === 'preparing') await rest(50);
    const seconds = (performance.now() - began) / 1000;
    const index = await replays.index(key);
    if (index === null) return `${megabytes}: no index`;
    const share = statSync(join(root, `${key}.replay`)).size / 1e6 / size;
    const server = serve(replays, key, index);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const figures = await inBrowser(`http://127.0.0.1:${port}/`);
    server.close();
    const first = [size.toFixed(0), String(index.starts.length), (size / seconds).toFixed(0)];
    return [...first, `${(share * 100).toFixed(0)} %`, ...figures]
      .map((one) => one.padStart(9))
      .join('');
  } finally {
    await replays.close();
    rmSync(root, { recursive: true });
  }
}

const NAMES = [
  'MB',
  'segments',
  'MB/s',
  'index',
  'open',
  '-> 50 %',
  '-> 90 %',
  '-> 10 %',
  '-> 99 %',
  '-> 98 %',
  'heap MB',
  'RSS MB',
];
stdout.write(`${NAMES.map((one) => one.padStart(9)).join('')}   (times in ms)\n`);
for (const megabytes of SIZES) stdout.write(`${await row(megabytes)}\n`);
