import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { execPath } from 'node:process';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { COMMIT_INTERVAL_MS } from '../../src/recorder/recorder.ts';
import { repairRecording } from '../../src/recorder/repair.ts';
import { checkAsciicast } from '../support/asciicast.ts';
import { plainEnvironment } from '../support/environment.ts';
import { must } from '../support/run.ts';
import { scratch } from '../support/scratch.ts';
import { SIGNER } from './sealing.ts';

const CHILD = new URL('./writer-child.ts', import.meta.url).pathname;
const KEY = '2026/11/22/sess_12-1.cast';

/** Milliseconds that a loaded machine may add to what the recorder promises. */
const LOADED = 400;

/** Starts a recording process and kills it once it has handed `lines` lines over. */
async function killed(root: string, lines: number): Promise<ReadonlyMap<number, number>> {
  const child = spawn(execPath, [CHILD, 'ticks', root], {
    env: plainEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const handed = new Map<number, number>();
  for await (const line of createInterface({ input: child.stdout })) {
    const [number, time] = line.split(' ').map(Number);
    handed.set(number ?? 0, time ?? 0);
    if (number === lines) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return handed;
}

test.each([1, 60, 250])('kill -9 after %d lines loses at most the interval', async (lines) => {
  using place = scratch();
  const handed = await killed(place.path, lines);
  const repaired = await repairRecording(place.path, KEY, { signer: SIGNER, noted: [] });
  expect(repaired).toMatchObject({ state: 'recovered' });
  const cast = checkAsciicast(readFileSync(place.join(KEY)));
  const found = cast.text.split('\r\n').length - 1;
  expect(cast.text).toBe(Array.from({ length: found }, (_, n) => `line ${n + 1}\r\n`).join(''));
  const last = Math.max(...handed.keys());
  const lost = (handed.get(last) ?? 0) - (handed.get(found + 1) ?? handed.get(last) ?? 0);
  expect(lost).toBeLessThanOrEqual(COMMIT_INTERVAL_MS + LOADED);
});

test('200 MB through one recording stay in bounded memory and are all there', async () => {
  using place = scratch();
  const { stdout } = await must(execPath, [CHILD, 'bulk', place.path, '200'], {
    deadlineMs: 60_000,
  });
  const result: { pauses: number; grown: number; recordedBytes: number } = JSON.parse(
    stdout.toString(),
  );
  expect(result.recordedBytes).toBeGreaterThanOrEqual(200_000_000);
  expect(result.pauses).toBeGreaterThan(0);
  expect(result.grown).toBeLessThan(150_000_000);
}, 90_000);
