import { expect, test } from 'vitest';
import { plainText } from '../../src/analysis/plain-text.ts';
import { ProgramAnalyser } from '../../src/analysis/program.ts';
import type { AnalysisChanges } from '../../src/domain/analysis.ts';
import type { CastEvent } from '../../src/domain/recording.ts';

const CHANNEL = { channel: 2, cols: 80, rows: 24, pty: false, command: 'make -s' };

function out(at: number, data: string, isError = false): CastEvent {
  return { at, code: 'o', data, isError };
}

function analysed(events: readonly CastEvent[]): AnalysisChanges {
  const analyser = new ProgramAnalyser(CHANNEL, null);
  for (const event of events) analyser.feed(event);
  analyser.end();
  return analyser.take();
}

test('an exec channel is one command, exact, with its status', () => {
  const { commands } = analysed([
    out(0.1, 'done\n'),
    { at: 1.5, code: 'x', data: '3', isError: false },
  ]);
  expect(commands).toEqual([
    {
      channel: 2,
      index: 0,
      start: 0,
      end: 1.5,
      text: 'make -s',
      exitStatus: 3,
      cwd: null,
      source: 'exec',
      confidence: 'exact',
    },
  ]);
});

test('output is as it was, each stream by itself, without what controls a terminal', () => {
  const { blocks } = analysed([
    out(0.1, 'one\n\n\tt\x1b[31mwo\x1b[0m\n'),
    out(0.2, 'warning: x\n', true),
    out(0.3, '10%\r20%\r'),
    out(0.4, '100%\r\n\x1b]0;title\x07end'),
  ]);
  expect(blocks.map(({ text, stream, from, to }) => [text, stream, from, to])).toEqual([
    ['one\n\n\ttwo', 'stdout', 0.1, 0.1],
    ['warning: x', 'stderr', 0.2, 0.2],
    ['100%\nend', 'stdout', 0.3, 0.4],
  ]);
});

test('what goes on is there before it ends', () => {
  const analyser = new ProgramAnalyser(CHANNEL, null);
  analyser.feed(out(0.5, 'a line\nhalf'));
  const first = analyser.take();
  expect(first.commands).toMatchObject([{ text: 'make -s', end: null }]);
  expect(first.blocks).toMatchObject([{ index: 0, text: 'a line' }]);
  analyser.idle(3);
  expect(analyser.take().blocks).toMatchObject([{ index: 0, text: 'a line\nhalf' }]);
  expect(analyser.take()).toEqual({ commands: [], blocks: [] });
});

test('a line without an end is cut, and no block is longer than 4096', () => {
  const { blocks } = analysed([out(0, 'x'.repeat(200_000))]);
  expect(blocks.map(({ text }) => text).join('')).toBe('x'.repeat(200_000));
  expect(Math.max(...blocks.map(({ text }) => text.length))).toBe(4096);
});

test('a line of carriage returns takes no time', () => {
  const began = performance.now();
  for (let n = 0; n < 10; n += 1) expect(plainText(`${'\r'.repeat(65_535)}x`)).toBe('x');
  expect(plainText(`a\rb${'\r'.repeat(65_535)}`)).toBe('b');
  expect(plainText('\r\r')).toBe('');
  // In the square of their number: a minute.
  expect(performance.now() - began).toBeLessThan(10_000);
});
