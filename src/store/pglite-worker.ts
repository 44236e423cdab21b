/**
 * Entry of the worker thread that PGlite runs in: it blocks its thread (for seconds at the first
 * start, for the length of every query after it), so it must not be the thread that carries bytes.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import type { PgliteAnswer, PgliteCall, PgliteStart } from './pglite-messages.ts';

function answer(message: PgliteAnswer): void {
  parentPort?.postMessage(message);
}

function reasonFor(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

async function open(): Promise<PGlite> {
  const start: PgliteStart = workerData;
  return await PGlite.create({
    dataDir: start.dataDir,
    relaxedDurability: false,
    // Half the memory of the default, and measured to be enough for rows of this kind.
    startParams: [...PGlite.defaultStartParams, '-c', 'shared_buffers=16MB'],
  });
}

async function perform(database: PGlite, call: PgliteCall): Promise<void> {
  try {
    if (call.type === 'close') {
      await database.close();
      answer({ type: 'reply', id: call.id, bytes: new Uint8Array(0) });
      return;
    }
    const bytes = await database.execProtocolRaw(call.bytes);
    answer({ type: 'reply', id: call.id, bytes });
  } catch (error) {
    answer({ type: 'failed', id: call.id, reason: reasonFor(error) });
  }
}

/**
 * Gives back what initdb needed in this thread, some 350 MB: an idle thread collects no garbage of
 * its own accord, and this one may be idle for weeks.
 */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
}

try {
  const database = await open();
  collectGarbage();
  parentPort?.on('message', (call: PgliteCall) => {
    void perform(database, call);
  });
  answer({ type: 'ready' });
} catch (error) {
  answer({ type: 'failed', id: 0, reason: reasonFor(error) });
}
