import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Segment, Segmenter } from '../../src/replay/segmenter.ts';
import { randomNumbers } from '../recorder/lab.ts';
import { type OpenPage, openPage } from '../support/chromium.ts';
import { needs } from '../support/requirements.ts';
import { NASTY } from './nasty.ts';

const COLS = 40;
const ROWS = 10;

const BUNDLE = new URL(
  './dist/bundle/',
  `${new URL('..', import.meta.resolve('asciinema-player'))}`,
);

type Event = readonly [at: number, code: string, data: string];

/** Every nasty state, cut into pieces and mixed with sizes, ten events a second. */
function events(): Event[] {
  const random = randomNumbers(4711);
  const all: Event[] = [];
  const put = (code: string, data: string) => all.push([all.length / 10, code, data]);
  for (let round = 0; round < 4; round += 1) {
    for (const text of Object.values(NASTY)) {
      for (let from = 0; from < text.length; ) {
        const to = from + 1 + random(30);
        put('o', text.slice(from, to));
        from = to;
      }
      put('o', '\x1b\\\r\n');
      if (random(6) === 0) put('r', `${30 + random(20)}x${6 + random(8)}`);
      if (random(4) === 0) put('o', '\x1bc');
    }
  }
  put('x', '0');
  return all;
}

function segmentsOf(all: readonly Event[]) {
  const segmenter = new Segmenter(COLS, ROWS, 2048);
  const segments: Segment[] = [];
  for (const [at, code, data] of all) {
    const segment = segmenter.add({ at, code, data });
    if (segment !== null) segments.push(segment);
  }
  segments.push(segmenter.end());
  return { segments, duration: segmenter.duration };
}

function filesOf(all: readonly Event[]): ReadonlyMap<string, readonly [string, string]> {
  const { segments, duration } = segmentsOf(all);
  const header = { version: 2, width: COLS, height: ROWS };
  const index = {
    version: 1,
    duration,
    term: { cols: COLS, rows: ROWS },
    segments: segments.map(({ start }, at) => ({ start, url: `segment/${at}` })),
  };
  const bundled = (name: string) => readFileSync(fileURLToPath(new URL(name, BUNDLE)), 'utf8');
  return new Map<string, readonly [string, string]>([
    ['/', ['text/html', PAGE]],
    ['/p.js', ['text/javascript', bundled('asciinema-player.min.js')]],
    ['/p.css', ['text/css', bundled('asciinema-player.css')]],
    ['/whole', ['text/plain', [header, ...all].map((one) => JSON.stringify(one)).join('\n')]],
    ['/index', ['application/json', JSON.stringify(index)]],
    ['/favicon.ico', ['image/x-icon', '']],
    ...segments.map(({ json }, at) => [`/segment/${at}`, ['application/json', json]] as const),
  ]);
}

/** The page's own script: the same recording in two players, whole and by segments. */
const SCRIPT = `
const players = {};
async function openPlayers() {
  const sources = {
    whole: { url: '/whole' },
    parts: { driver: 'recording', format: 'segmented', url: '/index' },
  };
  for (const [id, source] of Object.entries(sources)) {
    const place = document.body.appendChild(document.createElement('div'));
    place.id = id;
    const options = { preload: true, terminalFontSize: '16px', fit: false };
    players[id] = AsciinemaPlayer.create(source, place, options);
    await players[id].seek(0.01);
  }
}
async function seekBoth(to) {
  for (const player of Object.values(players)) await player.seek(to);
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}
`;

const PAGE = `<!doctype html><link rel="stylesheet" href="/p.css"><script src="/p.js"></script>
<body><script>${SCRIPT}</script>`;

/** What a person sees in one of the two players: text, styles, and what is painted behind. */
async function picture(page: Page, id: string): Promise<readonly unknown[]> {
  return page
    .locator(`#${id} .ap-term`)
    .evaluate((term) => [
      term.querySelector('.ap-term-text')?.innerHTML.replaceAll(/ ?ap-cursor-on| ?ap-blink/g, ''),
      [...term.querySelectorAll('canvas')].map((canvas) => canvas.toDataURL()),
      [...term.querySelectorAll('svg')].map((svg) => svg.outerHTML),
    ]);
}

needs('chromium').describe('the player in a browser', () => {
  const all = events();
  const files = filesOf(all);
  const server = createServer((request, response) => {
    const [type, body] = files.get(request.url ?? '') ?? ['text/plain', ''];
    response.writeHead(files.has(request.url ?? '') ? 200 : 404, { 'Content-Type': type });
    response.end(body);
  });
  let opened: OpenPage;

  beforeAll(async () => {
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    opened = await openPage();
    await opened.page.goto(`http://127.0.0.1:${port}/`);
    await opened.page.evaluate('openPlayers()');
  });
  afterAll(async () => {
    await opened?.[Symbol.asyncDispose]();
    server.close();
  });

  const seek = (to: number) => opened.page.evaluate(`seekBoth(${to})`);

  test('shows the same after 30 random seeks, by segments as by the whole recording', async () => {
    const random = randomNumbers(99);
    expect([...files.keys()].filter((path) => path.startsWith('/segment/')).length).toBeGreaterThan(
      5,
    );
    for (let n = 0; n < 30; n += 1) {
      await seek(random(all.length) / 10);
      const whole = await picture(opened.page, 'whole');
      expect(whole[0]).toMatch(/\S/);
      expect(await picture(opened.page, 'parts')).toEqual(whole);
    }
    expect(opened.problems).toEqual([]);
  });
});
