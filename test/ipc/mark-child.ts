import { markWorker } from '../../src/ipc/worker-marks.ts';

/** `mark-child.ts DIRECTORY`: marks itself, says its process id, and stays. */
await markWorker(process.argv[2] ?? '');
process.stdout.write(`${process.pid}\n`);
setInterval(() => undefined, 60_000);
