import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { listenHttp } from '../../src/api/listen.ts';
import { LiveSocket, type LiveTerms, type LiveTimes } from '../../src/api/live-socket.ts';
import type { Upgrade } from '../../src/api/web-sockets.ts';
import { BUILTIN_RULES } from '../../src/app/redaction.ts';
import type { ChannelRecording } from '../../src/domain/recording.ts';
import { LiveThread } from '../../src/live/live.ts';
import { type Lab, lab, start } from '../recorder/lab.ts';
import { eventually, within } from '../support/eventually.ts';

const yes = (): Promise<boolean> => Promise.resolve(true);
const TERMS: LiveTerms = { may: yes, goesOn: yes };

let place: Lab;
let live: LiveThread;
let recording: ChannelRecording;
beforeEach(async () => {
  place = await lab();
  live = new LiveThread({ root: place.root, rules: BUILTIN_RULES }, place.log);
  recording = await place.recorder.start(start());
});
afterEach(async () => {
  await recording.end(null);
  await live.close();
  await place[Symbol.asyncDispose]();
});

/** A server of the one recording; `alive`: how often it has been asked whether its viewer may see it. */
async function serve(terms: LiveTerms = TERMS, times: LiveTimes = {}) {
  const server = await listenHttp({
    host: '127.0.0.1',
    port: 0,
    fetch: (_, env) => {
      const { upgrade } = env as { readonly upgrade: Upgrade };
      upgrade.accept('v1.alis', (socket) => {
        new LiveSocket(socket, terms, times).begin(live, recording.key, false);
      });
      return new Response(null);
    },
  });
  return {
    close: () => server.close(),
    view: (options = {}) =>
      new Viewer(new WebSocket(`ws://127.0.0.1:${server.port}/`, ['v1.alis'], options)),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

class Viewer {
  readonly socket: WebSocket;
  frames = 0;
  pings = 0;
  /** Code and reason. */
  readonly closed: Promise<readonly [number, string]>;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('message', () => {
      this.frames += 1;
    });
    socket.on('ping', () => {
      this.pings += 1;
    });
    this.closed = once(socket, 'close').then(([code, reason]) => [code, String(reason)] as const);
  }

  async begins(): Promise<void> {
    await eventually('the first frames', () => this.frames > 1);
  }

  async closes(): Promise<readonly [number, string]> {
    return await within('it closes', this.closed);
  }
}

test('1000 when the channel has ended', async () => {
  await using server = await serve();
  const viewer = server.view();
  await viewer.begins();
  await recording.end({ type: 'code', code: 0 });
  expect(await viewer.closes()).toEqual([1000, 'the channel has ended']);
});

test('1001 when the server stops', async () => {
  const server = await serve();
  const viewer = server.view();
  await viewer.begins();
  await within('it stops', server.close());
  expect(await viewer.closes()).toEqual([1001, 'the server stops']);
});

test('1009 for who sends more than is listened to', async () => {
  await using server = await serve();
  const viewer = server.view();
  await viewer.begins();
  viewer.socket.send('small talk');
  viewer.socket.send('x'.repeat(2000));
  expect((await viewer.closes())[0]).toBe(1009);
});

test('1011 when the recording is damaged, and when the thread that follows it ends', async () => {
  await using server = await serve();
  const lost = server.view();
  await lost.begins();
  await live.close();
  const failed = [1011, 'the recording could not be followed'];
  expect(await lost.closes()).toEqual(failed);
  const again = server.view();
  await again.begins();
  appendFileSync(`${place.root}/${recording.key}`, 'not an event\n');
  expect(await again.closes()).toEqual(failed);
});

test('1013 when too many follow, and there is room again when one leaves', async () => {
  await using server = await serve();
  const nobody = { send: (_: Uint8Array, sent: () => void) => sent(), ended: noop, failed: noop };
  const views = Array.from({ length: 200 }, () => live.watch(recording.key, { ...nobody }, false));
  const [code, reason] = await server.view().closes();
  expect([code, reason]).toEqual([1013, expect.stringContaining('too many follow sessions')]);
  views[0]?.leave();
  const viewer = server.view();
  await viewer.begins();
  viewer.socket.close();
  await viewer.closes();
});

test('1013 when nobody can say for long whether the viewer may see it', async () => {
  let asked = 0;
  const away = (): Promise<boolean> => {
    asked += 1;
    // Not one failure, nor ten: they have to be in a row.
    return asked === 6 ? Promise.resolve(true) : Promise.reject(new Error('away'));
  };
  await using server = await serve({ may: away, goesOn: yes }, { accessMs: 5 });
  const viewer = server.view();
  expect(await viewer.closes()).toEqual([1013, 'the database is away']);
  expect(asked).toBeGreaterThanOrEqual(17);
});

test('4003 when the viewer may not see it any more, and 4001 when nobody writes it any more', async () => {
  let may = true;
  await using server = await serve(
    { may: () => Promise.resolve(may), goesOn: () => Promise.resolve(!may) },
    { accessMs: 5 },
  );
  const over = server.view();
  may = false;
  expect((await over.closes())[0]).toBe(4003);
  await using other = await serve(
    { may: yes, goesOn: () => Promise.resolve(false) },
    { accessMs: 5 },
  );
  expect((await other.view().closes())[0]).toBe(4001);
});

test('a viewer who answers pings stays, and one who does not is cut off', async () => {
  await using server = await serve(TERMS, { aliveMs: 300 });
  const silent = server.view({ autoPong: false });
  // Cut off: nothing is said.
  expect((await silent.closes())[0]).toBe(1006);
  // Each ping after the first says that the answer to the one before came in time; on a computer that
  // stalls it can be late.
  let [most, tries] = [0, 0];
  for (; most < 4 && tries < 5; tries += 1) {
    const answers = server.view();
    await eventually('pings', () => answers.pings >= 4 || answers.socket.readyState > 1);
    most = Math.max(most, answers.pings);
    answers.socket.terminate();
  }
  expect(most).toBeGreaterThanOrEqual(4);
});

function noop(): void {
  // Nobody looks.
}
