import { expect, test } from 'vitest';
import type { LiveEnd, LiveViewer } from '../../src/domain/live.ts';
import { AlisStream } from '../../src/live/alis.ts';
import { Audience } from '../../src/live/audience.ts';
import { packed } from '../../src/live/messages.ts';
import { readAlis } from '../support/alis.ts';

/** Takes frames as fast as it is told to. */
class TestViewer implements LiveViewer {
  readonly types: string[] = [];
  waiting = 0;
  end: LiveEnd | 'failed' | null = null;
  readonly #sent: (() => void)[] = [];

  send(frame: Uint8Array, sent: () => void): void {
    this.types.push(readAlis(frame)?.type ?? 'magic');
    this.waiting += frame.length;
    this.#sent.push(() => {
      this.waiting -= frame.length;
      sent();
    });
  }

  take(): void {
    for (const sent of this.#sent.splice(0)) sent();
  }

  ended(how: LiveEnd): void {
    this.end = how;
  }

  failed(): void {
    this.end = 'failed';
  }
}

const MB = 1024 * 1024;

function stage() {
  const asked = { looks: 0 };
  const audience = new Audience(() => {
    asked.looks += 1;
  });
  const stream = new AlisStream(0);
  const screen = packed([stream.reset({ cols: 80, rows: 24, text: '' })]);
  const output = packed([stream.output(1, 'x'.repeat(MB / 4))]);
  return { audience, asked, screen, output };
}

test('a viewer begins with the screen, and sees nothing of what was before', () => {
  const { audience, asked, screen, output } = stage();
  const viewer = new TestViewer();
  audience.enter(viewer);
  expect(asked.looks).toBe(1);
  audience.events(output);
  audience.screen(screen, false);
  audience.events(output);
  expect(viewer.types).toEqual(['magic', 'reset', 'output']);
});

test('what waits for a slow viewer is bounded; it is given the screen anew, and others lose nothing', () => {
  const { audience, asked, screen, output } = stage();
  const [slow, fast] = [new TestViewer(), new TestViewer()];
  audience.enter(slow);
  audience.enter(fast);
  audience.screen(screen, false);
  asked.looks = 0;
  let most = 0;
  for (let round = 0; round < 1000; round += 1) {
    audience.events(output);
    fast.take();
    most = Math.max(most, slow.waiting);
  }
  expect(most).toBeLessThan(1.5 * MB);
  expect(fast.types.filter((type) => type === 'output')).toHaveLength(1000);
  expect(asked.looks).toBe(0);
  slow.take();
  expect(asked.looks).toBe(1);
  audience.events(output);
  audience.screen(screen, false);
  audience.events(output);
  expect(slow.types.slice(-2)).toEqual(['reset', 'output']);
  expect(fast.types.filter((type) => type === 'reset')).toHaveLength(1);
});

test('at the end each has the last screen, however far behind', () => {
  const { audience, screen, output } = stage();
  const last = packed([new AlisStream(0).end()]);
  const [behind, upToDate] = [new TestViewer(), new TestViewer()];
  audience.enter(upToDate);
  audience.screen(screen, false);
  audience.enter(behind);
  audience.events(output);
  audience.ended('complete', screen, last);
  expect(behind.types).toEqual(['magic', 'reset', 'end']);
  expect(upToDate.types).toEqual(['magic', 'reset', 'output', 'end']);
  expect([behind.end, upToDate.end]).toEqual(['complete', 'complete']);
  expect(audience.size).toBe(0);
});
