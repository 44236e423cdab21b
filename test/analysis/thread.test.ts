import { expect, test } from 'vitest';
import { AnalysisThread } from '../../src/analysis/thread.ts';

test.each([true, false])(
  'a thread that hangs is given up; the recording goes on: %s',
  async (isLive) => {
    const worker = new URL('./hanging-worker.ts', import.meta.url);
    const thread = new AnalysisThread('hangs', { root: '/nonexistent' }, 500, worker);
    const over = Promise.withResolvers<string | null>();
    const keep = async () => true;
    thread.read({ key: 'a', channel: 1, isLive, keep, over: over.resolve });
    expect(await over.promise).toBe('it took too long');
    await thread.close();
  },
);
