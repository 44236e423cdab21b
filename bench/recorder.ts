/**
 * What the recorder costs: the same chunks without it, with it, and encrypted, alternating in one run, so that
 * the machine's other load falls on all. Prints a table; a smaller MEGABYTES shortens it.
 *
 *   sh scripts/node.sh bench/recorder.ts [MEGABYTES]
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, cpuUsage, stdout, threadCpuUsage } from 'node:process';
import { setImmediate as turn } from 'node:timers/promises';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import type { Logger } from '../src/domain/log.ts';
import type { ChannelRecording } from '../src/domain/recording.ts';
import type { RecordingEncryption } from '../src/domain/recording-keys.ts';
import { nodeKeyOf } from '../src/envelope/node-key.ts';
import { openRecorder } from '../src/recorder/recorder.ts';
import { newSigningKey } from '../src/recorder/signer.ts';

const MEGABYTES = Number(argv[2] ?? 256);
const ROUNDS = 3;

interface Load {
  readonly name: string;
  readonly chunk: Buffer;
  readonly bytes: number;
  /** Of a program without one 16 MiB are kept; the rest is counted and hashed. */
  readonly terminal?: false;
}

interface Cost {
  readonly seconds: number;
  /** CPU seconds. */
  readonly main: number;
  readonly all: number;
  readonly fileBytes: number;
}

const quiet: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (message) => stdout.write(`${message}\n`),
  child: () => quiet,
};

const TEXT = Buffer.from(
  '-rw-r--r-- 1 deploy deploy  4096 Nov 22 10:20 \x1b[32mfile.txt\x1b[0m\r\n',
);
const CJK = Buffer.from('目录 テスト 한국어 2026-11-22 10:20\r\n');

/** As often as it fits: a chunk that repeats must not end within a character. */
function filled(pattern: Buffer, size: number): Buffer {
  return Buffer.alloc(Math.max(1, Math.floor(size / pattern.length)) * pattern.length, pattern);
}

function loads(): Load[] {
  const bytes = MEGABYTES * 1_000_000;
  return [
    { name: 'text, 32 KB chunks', chunk: filled(TEXT, 32_768), bytes },
    { name: 'text, 64 B chunks', chunk: filled(TEXT, 64), bytes: bytes / 8 },
    { name: 'CJK, 32 KB chunks', chunk: filled(CJK, 32_768), bytes },
    { name: 'random binary, 32 KB', chunk: randomBytes(32_768), bytes: bytes / 2 },
    { name: 'the same, no terminal', chunk: randomBytes(32_768), bytes, terminal: false },
    { name: 'zeros, 32 KB', chunk: Buffer.alloc(32_768), bytes: bytes / 2 },
  ];
}

/** Hands the load over in turns of 64 KB, as a socket does; null: to nobody. */
async function pour(load: Load, recording: ChannelRecording | null): Promise<void> {
  let inTurn = 0;
  for (let sent = 0; sent < load.bytes; sent += load.chunk.length) {
    inTurn += load.chunk.length;
    if (recording !== null && !recording.output(load.chunk)) {
      await new Promise<void>((resolve) => recording.onDrain(resolve));
      inTurn = 0;
    } else if (inTurn >= 65_536) {
      await turn();
      inTurn = 0;
    }
  }
}

async function measure(work: () => Promise<number>): Promise<Cost> {
  const started = performance.now();
  const main = threadCpuUsage();
  const all = cpuUsage();
  const fileBytes = await work();
  const mainUsed = threadCpuUsage(main);
  const allUsed = cpuUsage(all);
  return {
    seconds: (performance.now() - started) / 1000,
    main: (mainUsed.user + mainUsed.system) / 1e6,
    all: (allUsed.user + allUsed.system) / 1e6,
    fileBytes,
  };
}

const PTY = {
  term: 'xterm',
  window: { cols: 80, rows: 24, width: 0, height: 0 },
  modes: new Uint8Array(),
};

const ENCRYPTION: RecordingEncryption = {
  recipients: [await identityToRecipient(await generateIdentity())],
  nodeKey: nodeKeyOf(randomBytes(32)),
};

async function withRecorder(
  load: Load,
  root: string,
  encryption: RecordingEncryption | null,
): Promise<Cost> {
  const sealingKey = newSigningKey();
  const recorder = await openRecorder({ root, log: quiet, sealingKey, encryption });
  const recording = await recorder.start({
    sessionId: 1,
    channel: 1,
    startedAt: new Date(),
    pty: load.terminal === false ? null : PTY,
    command: null,
    title: 'bench',
  });
  const cost = await measure(async () => {
    await pour(load, recording);
    return (await recording.end(null)).size;
  });
  await recorder.close();
  return cost;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

async function row(load: Load): Promise<string> {
  const without: Cost[] = [];
  const recorded: Cost[] = [];
  const encrypted: Cost[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    without.push(await measure(async () => pour(load, null).then(() => 0)));
    for (const [costs, encryption] of [
      [recorded, null] as const,
      [encrypted, ENCRYPTION] as const,
    ]) {
      const root = mkdtempSync(join(tmpdir(), 'postern-bench-'));
      costs.push(await withRecorder(load, root, encryption));
      rmSync(root, { recursive: true });
    }
  }
  const gigabytes = load.bytes / 1e9;
  const of = (costs: readonly Cost[], what: keyof Cost) => median(costs.map((cost) => cost[what]));
  const main = (of(recorded, 'main') - of(without, 'main')) / gigabytes;
  const all = (of(recorded, 'all') - of(without, 'all')) / gigabytes;
  const allEncrypted = (of(encrypted, 'all') - of(without, 'all')) / gigabytes;
  const mainEncrypted = (of(encrypted, 'main') - of(without, 'main')) / gigabytes;
  return [
    load.name.padEnd(22),
    (load.bytes / 1e6 / of(recorded, 'seconds')).toFixed(0).padStart(6),
    main.toFixed(2).padStart(12),
    all.toFixed(2).padStart(12),
    (of(recorded, 'fileBytes') / load.bytes).toFixed(2).padStart(10),
    (load.bytes / 1e6 / of(encrypted, 'seconds')).toFixed(0).padStart(10),
    mainEncrypted.toFixed(2).padStart(12),
    allEncrypted.toFixed(2).padStart(12),
  ].join(' ');
}

stdout.write(
  'load                     MB/s   main s/GB    both s/GB  file size encrypted:   main s/GB    both s/GB\n',
);
for (const load of loads()) stdout.write(`${await row(load)}\n`);
