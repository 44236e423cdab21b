import { writeSync } from 'node:fs';
import { argv, memoryUsage, resourceUsage } from 'node:process';
import { openRecorder } from '../../src/recorder/recorder.ts';
import { listeningLog, start } from './lab.ts';
import { SEALING_KEY } from './sealing.ts';

/**
 * A process that records, for tests that kill it or look at its memory:
 * `ticks ROOT`: a numbered line every two milliseconds, said on stdout with its time after it was
 * handed over; `bulk ROOT MEGABYTES`: so much at once, pausing when told, then its memory.
 */

const [, , task, root = '', megabytes = '0'] = argv;

async function ticks(): Promise<void> {
  const recorder = await openRecorder({ root, log: listeningLog(), sealingKey: SEALING_KEY });
  const recording = await recorder.start(start());
  let count = 0;
  setInterval(() => {
    count += 1;
    recording.output(Buffer.from(`line ${count}\r\n`));
    writeSync(1, `${count} ${performance.now().toFixed(1)}\n`);
  }, 2);
}

async function bulk(): Promise<void> {
  const recorder = await openRecorder({ root, log: listeningLog(), sealingKey: SEALING_KEY });
  const recording = await recorder.start(start());
  const chunk = Buffer.from('drwxr-xr-x 2 root root 4096 Nov 22 10:20 目录\r\n'.repeat(600));
  const before = memoryUsage.rss();
  let pauses = 0;
  for (let sent = 0; sent < Number(megabytes) * 1_000_000; sent += chunk.length) {
    if (recording.output(chunk)) continue;
    pauses += 1;
    await new Promise<void>((resolve) => recording.onDrain(resolve));
  }
  const receipt = await recording.end({ type: 'code', code: 0 });
  await recorder.close();
  const grown = resourceUsage().maxRSS * 1024 - before;
  writeSync(1, JSON.stringify({ pauses, grown, recordedBytes: receipt.recordedBytes }));
}

await (task === 'ticks' ? ticks() : bulk());
