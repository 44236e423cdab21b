import { expect, test } from 'vitest';
import { type Segment, Segmenter } from '../../src/replay/segmenter.ts';

type Event = readonly [at: number, code: string, data: string];

function cut(events: readonly Event[], length = 100) {
  const segmenter = new Segmenter(80, 24, length);
  const segments: Segment[] = [];
  for (const [at, code, data] of events) {
    const segment = segmenter.add({ at, code, data });
    if (segment !== null) segments.push(segment);
  }
  segments.push(segmenter.end());
  const read = segments.map(({ start, json }) => {
    const { events: inside }: { events: Event[] } = JSON.parse(json);
    return { start, inside };
  });
  return { read, duration: segmenter.duration, markers: segmenter.markers };
}

/** What the player refuses: src/driver/recording/segmented.js of 3.17.0. */
function checkForPlayer({ read, duration }: ReturnType<typeof cut>): void {
  for (const [at, { start, inside }] of read.entries()) {
    const next = read[at + 1]?.start ?? null;
    expect(inside.length).toBeGreaterThan(0);
    if (at === 0) expect(start).toBe(0);
    else expect([inside[0]?.[0], start < duration]).toEqual([start, true]);
    const times = inside.map(([time]) => time);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    if (next === null) expect(times.at(-1)).toBe(duration);
    else expect(times.at(-1)).toBeLessThan(next);
  }
}

test('segments are what the player takes, and lose no event', () => {
  const events = Array.from({ length: 50 }, (_, n): Event => [n / 7, 'o', `line ${n}\r\n`]);
  const all = cut(events);
  checkForPlayer(all);
  expect(all.read.length).toBeGreaterThan(5);
  expect(all.read.flatMap(({ inside }) => inside.map(([, , data]) => data))).toEqual(
    events.map(([, , data]) => data),
  );
});

test('events that came at one time do not keep a segment from ending', () => {
  const all = cut(Array.from({ length: 40 }, (): Event => [1, 'o', 'x'.repeat(60)]));
  checkForPlayer(all);
  expect(all.read.length).toBeGreaterThan(10);
  expect(all.duration).toBeLessThan(1.001);
});

test('a recording of nothing, and one whose last segment begins at its end', () => {
  checkForPlayer(cut([]));
  checkForPlayer(cut([[0, 'o', '']]));
  checkForPlayer(
    cut([
      [0, 'o', 'x'.repeat(200)],
      [1, 'x', '0'],
    ]),
  );
});

test('markers are told of, within a bound; sizes that are none are left out', () => {
  const marks = Array.from({ length: 1200 }, (_, n): Event => [n, 'm', `mark ${n}`]);
  const all = cut([[0, 'r', '0x5'], [0, 'r', 'nonsense'], ...marks, [2000, 'o', 'x']]);
  checkForPlayer(all);
  expect(all.markers).toHaveLength(1000);
  expect(all.read.flatMap(({ inside }) => inside.filter(([, code]) => code === 'r'))).toEqual([]);
});

test('a terminal that would not fit into memory is refused', () => {
  expect(() => new Segmenter(65_535, 65_535, 100)).toThrow('too large');
  const segmenter = new Segmenter(80, 24, 100);
  expect(() => segmenter.add({ at: 0, code: 'r', data: '65535x65535' })).toThrow('too large');
});
