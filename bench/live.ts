/**
 * Milliseconds from a chunk's arrival at the recorder to its frame at a viewer: `bench/live.ts [CHUNKS]
 * [VIEWERS] [MEGABYTES]`. Recorder, follower, HTTP server and viewers are the real ones, in one process,
 * on loopback. MEGABYTES are recorded before anybody looks; then joining is measured, too.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { listenHttp } from '../src/api/listen.ts';
import { LiveSocket } from '../src/api/live-socket.ts';
import type { Upgrade } from '../src/api/web-sockets.ts';
import { BUILTIN_RULES } from '../src/app/redaction.ts';
import type { Logger } from '../src/domain/log.ts';
import { LiveThread } from '../src/live/live.ts';
import { openRecorder } from '../src/recorder/recorder.ts';
import { newSigningKey } from '../src/recorder/signer.ts';

const CHUNKS = Number(process.argv[2] ?? 300);
const VIEWERS = Number(process.argv[3] ?? 1);
const MEGABYTES = Number(process.argv[4] ?? 0);

/** Viewers that join one after the other, each to a follower of its own. */
const JOINS = 5;

const quiet = (): void => undefined;
const log: Logger = { debug: quiet, info: quiet, warn: quiet, error: quiet, child: () => log };

function percentile(sorted: readonly number[], share: number): string {
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1);
}

async function viewer(port: number, hear: (text: string) => void): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, ['v1.alis']);
  const { promise, resolve } = Promise.withResolvers<WebSocket>();
  socket.on('message', (message: Buffer) => {
    hear(message.toString('latin1'));
    if (message[0] === 1) resolve(socket);
  });
  return await promise;
}

const root = mkdtempSync(join(tmpdir(), 'postern-live-'));
const recorder = await openRecorder({ root, sealingKey: newSigningKey(), log });
const live = new LiveThread({ root, rules: BUILTIN_RULES }, log);
const yes = (): Promise<boolean> => Promise.resolve(true);
const recording = await recorder.start({
  sessionId: 1,
  channel: 1,
  startedAt: new Date(),
  pty: {
    term: 'xterm',
    window: { cols: 120, rows: 40, width: 0, height: 0 },
    modes: new Uint8Array(),
  },
  command: null,
  title: 'bench',
});
const server = await listenHttp({
  host: '127.0.0.1',
  port: 0,
  fetch: (_, env) => {
    const { upgrade } = env as { readonly upgrade: Upgrade };
    upgrade.accept('v1.alis', (socket) => {
      new LiveSocket(socket, { may: yes, goesOn: yes }).begin(live, recording.key, false);
    });
    return new Response(null);
  },
});

function residentMegabytes(): string {
  return (process.memoryUsage.rss() / 1_000_000).toFixed(0);
}

/** Lines of text with a colour now and then, as programs write them. */
async function fill(): Promise<void> {
  const line = `${'some output of a program that goes on and on '.repeat(3)}\u001b[32mok\u001b[0m\r\n`;
  const chunk = Buffer.from(line.repeat(200));
  for (let bytes = 0; bytes < MEGABYTES * 1_000_000; bytes += chunk.length) {
    if (recording.output(chunk)) continue;
    await new Promise<void>((resolve) => recording.onDrain(resolve));
  }
  await sleep(1000);
}

if (MEGABYTES > 0) {
  await fill();
  const before = residentMegabytes();
  const joins: number[] = [];
  for (let join = 0; join < JOINS; join += 1) {
    const begun = performance.now();
    const socket = await viewer(server.port, () => undefined);
    joins.push(performance.now() - begun);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.close();
    await closed;
  }
  joins.sort((a, b) => a - b);
  process.stdout.write(
    `${JOINS} viewers joined ${MEGABYTES} MB: screen after ${percentile(joins, 0.5)} ms (median), ${percentile(joins, 1)} ms (most); resident ${before} MB before, ${residentMegabytes()} MB after\n`,
  );
}
const sent: number[] = [];
const waits: number[] = [];
const hear = (text: string): void => {
  const now = performance.now();
  for (const [, chunk] of text.matchAll(/<(\d+)>/g)) waits.push(now - (sent[Number(chunk)] ?? now));
};
const viewers = await Promise.all(Array.from({ length: VIEWERS }, () => viewer(server.port, hear)));
for (let chunk = 0; chunk < CHUNKS; chunk += 1) {
  await sleep(20 + Math.random() * 60);
  sent.push(performance.now());
  recording.output(Buffer.from(`<${chunk}> some output of a program\r\n`));
}
await sleep(500);
waits.sort((a, b) => a - b);
process.stdout.write(
  `${waits.length} frames of ${CHUNKS} chunks to ${VIEWERS} viewers: median ${percentile(waits, 0.5)} ms, p95 ${percentile(waits, 0.95)} ms, most ${percentile(waits, 1)} ms\n`,
);
for (const socket of viewers) socket.terminate();
await server.close();
await live.close();
await recorder.close();
rmSync(root, { recursive: true });
