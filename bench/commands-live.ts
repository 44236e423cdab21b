/**
 * How late commands are while sessions go on: from the moment in which a command's bytes are the user's to the
 * one in which `/commands` has it and the session counts it, by the database that both are read from.
 *
 *   sh scripts/node.sh bench/commands-live.ts [SESSIONS] [COMMANDS] [LINES]
 *
 * Recorder, analysis and PostgreSQL are the real ones. Every other session writes LINES a second meanwhile.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, stdout } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { NodeAnalyses } from '../src/analysis/analyses.ts';
import type { Logger } from '../src/domain/log.ts';
import type { ChannelRecording } from '../src/domain/recording.ts';
import { openLibrary } from '../src/recorder/library.ts';
import { openRecorder } from '../src/recorder/recorder.ts';
import { newSigningKey } from '../src/recorder/signer.ts';
import { openStore } from '../src/store/database.ts';
import { machine, session, user } from '../test/store/examples.ts';
import { startPostgres } from '../test/support/services.ts';

const SESSIONS = Number(argv[2] ?? 1);
const COMMANDS = Number(argv[3] ?? 40);
const LINES = Number(argv[4] ?? 1);

/** Milliseconds between two looks. */
const LOOK_MS = 20;
const DEADLINE_MS = 60_000;

const NODE = 'bench';
const PROMPT = '\x1b[?2004hme@here:~$ ';

const quiet: Logger = {
  ...{ debug: () => undefined, info: () => undefined },
  warn: (message, fields) => stdout.write(`${message} ${JSON.stringify(fields)}\n`),
  error: (message) => stdout.write(`${message}\n`),
  child: () => quiet,
};

function at(sorted: readonly number[], share: number): string {
  const place = Math.min(sorted.length - 1, Math.floor(sorted.length * share));
  return `${Math.round(sorted[place] ?? 0)} ms`;
}

function line(name: string, times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  return `${name}: p50 ${at(sorted, 0.5)}, p95 ${at(sorted, 0.95)}, most ${at(sorted, 1)}\n`;
}

const root = mkdtempSync(join(tmpdir(), 'postern-commands-'));
const database = mkdtempSync(join(tmpdir(), 'postern-bench-'));
const server = await startPostgres(database);
if (server === null) throw new Error('no PostgreSQL here: apt-get install postgresql');
const log = quiet;
const store = await openStore({
  ...{ databaseUrl: server.url, dataDir: root, secretKey: Buffer.alloc(32, 7), migrate: true, log },
});
const recorder = await openRecorder({ root, sealingKey: newSigningKey(), log });
const analyses = new NodeAnalyses({ store, node: NODE, root, log, library: openLibrary(root) });

interface Going {
  readonly id: number;
  readonly recording: ChannelRecording;
}

async function begin(userId: number, machineId: number): Promise<Going> {
  const startedAt = new Date();
  const { id } = await store.sessions.create(session({ userId, machineId, node: NODE, startedAt }));
  const window = { cols: 120, rows: 40, width: 0, height: 0 };
  const recording = await recorder.start({
    ...{ sessionId: id, channel: 1, startedAt, command: null, title: 'bench' },
    pty: { term: 'xterm', window, modes: new Uint8Array() },
  });
  await store.sessions.openRecording({ sessionId: id, channel: 1, key: recording.key, startedAt });
  recording.output(Buffer.from(PROMPT));
  return { id, recording };
}

/** Milliseconds until it is listed, and until it is counted. */
async function command({ id, recording }: Going, text: string): Promise<[number, number]> {
  const before = (await store.sessions.get(id))?.commandsCount ?? 0;
  recording.output(Buffer.from(`${text}\r\n\x1b[?2004l\r`));
  const sent = performance.now();
  recording.output(Buffer.from(`output\r\n${PROMPT}`));
  let [listed, counted] = [0, 0];
  while (listed === 0 || counted === 0) {
    const now = performance.now() - sent;
    if (now > DEADLINE_MS) throw new Error(`${text} is not there after ${DEADLINE_MS} ms`);
    const page = { limit: 1000, after: null };
    const found = listed > 0 ? [] : await store.analyses.commands(id, page);
    if (found.some((one) => one.text === text)) listed = performance.now() - sent;
    const count = (await store.sessions.get(id))?.commandsCount ?? 0;
    if (counted === 0 && count > before) counted = performance.now() - sent;
    await sleep(LOOK_MS);
  }
  return [listed, counted];
}

try {
  const [ada, web1] = [
    await store.users.create(user({ name: 'ada' })),
    await store.machines.create(machine({ name: 'web1' })),
  ];
  const going: Going[] = [];
  for (let n = 0; n < SESSIONS; n += 1) going.push(await begin(ada.id, web1.id));
  analyses.begin();
  const talked = Buffer.from(
    'a line of what other sessions write meanwhile, one after the other\r\n'.repeat(LINES),
  );
  const talk = setInterval(() => {
    for (const { recording } of going.slice(1)) recording.output(talked);
  }, 1000);
  // Until all are followed.
  await sleep(5000);
  const cpu = process.cpuUsage();
  const began = performance.now();
  const times: [number, number][] = [];
  for (let n = 0; n < COMMANDS; n += 1) {
    const one = going[0];
    if (one === undefined) break;
    times.push(await command(one, `echo number ${n}`));
    await sleep(Math.random() * 500);
  }
  const { user: own, system } = process.cpuUsage(cpu);
  const share = (own + system) / 10 / (performance.now() - began);
  clearInterval(talk);
  stdout.write(
    `${SESSIONS} sessions, ${COMMANDS} commands in one of them, ${LINES} lines a second in each other\n`,
  );
  stdout.write(
    line(
      'in /commands',
      times.map(([listed]) => listed),
    ),
  );
  stdout.write(
    line(
      'in commands_count',
      times.map(([, counted]) => counted),
    ),
  );
  const load = loadavg().map((one) => one.toFixed(1));
  stdout.write(
    `processor ${share.toFixed(0)} % of one, recorder and all; load average ${load.join(', ')}\n`,
  );
} finally {
  await analyses.close();
  await recorder.close();
  await store.close();
  await server.stop();
  for (const place of [root, database]) rmSync(place, { recursive: true, force: true });
}
