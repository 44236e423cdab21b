import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { linesOf } from '../../src/cli/lines.ts';
import { playCast } from '../../src/cli/playback.ts';
import { table } from '../../src/cli/table.ts';

function bodyOf(text: string, size = 7): ReadableStream<Uint8Array> {
  const bytes = Buffer.from(text);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) parts.push(bytes.subarray(at, at + size));
  return ReadableStream.from(parts);
}

async function played(cast: string, options: { speed?: number; terminal?: boolean } = {}) {
  const out = new PassThrough();
  const waits: number[] = [];
  await playCast(bodyOf(cast), out, options.terminal ?? false, {
    speed: options.speed ?? 1,
    idle: 2,
    signal: new AbortController().signal,
    wait: (milliseconds) => {
      waits.push(Math.round(milliseconds));
      return Promise.resolve();
    },
  });
  return { text: String(out.read() ?? ''), waits };
}

const V3 = `{"version":3,"term":{"cols":80,"rows":24}}
# a comment
[0.5,"o","日本"]
[0.25,"r","100x30"]
[60,"o","語\\r\\n"]
[1,"x","0"]
`;

describe('playing a recording', () => {
  test('keeps its timing, and makes long pauses short', async () => {
    expect(await played(V3)).toEqual({ text: '日本語\r\n', waits: [500, 250, 2000, 1000] });
    expect((await played(V3, { speed: 2 })).waits).toEqual([250, 125, 1000, 500]);
  });

  test('knows version 2, whose times count from the start', async () => {
    const v2 = '{"version":2,"width":80,"height":24}\n[0.5,"o","a"]\n[1.5,"o","b"]\n';
    expect(await played(v2)).toEqual({ text: 'ab', waits: [500, 1000] });
  });

  test('leaves a terminal as it was', async () => {
    const { text } = await played(V3, { terminal: true });
    expect(text).toContain('\u001b[?1049l');
    expect(text.endsWith('\u001b[?25h')).toBe(true);
  });

  test('gives a terminal what draws alone, and a file all of it', async () => {
    const cast = `{"version":3,"term":{"cols":80,"rows":24}}\n[0,"o","a\\u001b]52;c;"]\n[0,"o","Y3VybA==\\u0007b\\u001b[6n"]\n`;
    const seen = await played(cast, { terminal: true });
    expect(seen.text.startsWith('ab\u001b[0m')).toBe(true);
    expect((await played(cast)).text).toBe('a\u001b]52;c;Y3VybA==\u0007b\u001b[6n');
  });

  test('ends where a recording was cut', async () => {
    expect((await played(`${V3.slice(0, 80)}[3,"o","ha`)).text).toBe('日本');
  });

  test.each(['', '{"version":1}\n', '<html>', '[1,2]'])('refuses %j', async (text) => {
    await expect(played(text)).rejects.toThrow(/the recording is/);
  });

  test('stops when it is told to', async () => {
    const ended = new AbortController();
    const out = new PassThrough();
    await playCast(bodyOf(V3), out, false, {
      speed: 1,
      idle: 2,
      signal: ended.signal,
      wait: () => {
        ended.abort();
        return Promise.resolve();
      },
    });
    expect(out.read()).toBeNull();
  });
});

test('lines are whole, however they arrive', async () => {
  for (const size of [1, 2, 5, 100]) {
    const lines: string[] = [];
    for await (const line of linesOf(bodyOf('äb\n\n日本語\nend', size))) lines.push(line);
    expect(lines).toEqual(['äb', '', '日本語', 'end']);
  }
});

test('a table is aligned and cannot control the terminal', () => {
  const text = table(
    ['name', 'is'],
    [
      ['日本', null],
      ['a\u001b[2J', 5],
    ],
  );
  expect(text).toBe('NAME      IS\n日本      -\na\\x1b[2J  5\n');
});
