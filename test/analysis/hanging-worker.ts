import { parentPort } from 'node:worker_threads';

// A thread that hangs with its first job.
parentPort?.on('message', () => {
  for (;;);
});
