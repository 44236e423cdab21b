import { analyserOf } from '../src/analysis/analyser.ts';
import { EventTimes, parseEvent } from '../src/recorder/event.ts';

/**
 * How fast recordings are read for commands and text, on one core: `sh scripts/node.sh bench/analysis.ts
 * [MB [KIND]]`. Counted are bytes of the recording's lines, which are parsed as well.
 */
const MB = Number(process.argv[2] ?? '64');

const ONLY = process.argv[3] ?? '';

const WORDS = 'the quick brown fox jumps over a lazy dog /var/log/postern-4711.log'.split(' ');

function line(n: number): string {
  let text = '';
  for (let at = 0; at < 9; at += 1) text += `${WORDS[(n * 7 + at * at) % WORDS.length]} `;
  return text;
}

/** Output of different kinds, about 8 KB a chunk. */
const KINDS: Readonly<Record<string, (n: number) => string>> = {
  'plain lines': (n) => Array.from({ length: 120 }, (_, at) => `${line(n + at)}\r\n`).join(''),
  'coloured lines': (n) =>
    Array.from({ length: 100 }, (_, at) => `\x1b[3${at % 8}m${line(n + at)}\x1b[0m\r\n`).join(''),
  'a full screen': (n) =>
    `\x1b[?1049h\x1b[H${Array.from({ length: 60 }, (_, at) => `\x1b[K${line(n * at)}\r\n`).join('')}`,
  'a shell': (n) =>
    `\x1b[?2004hme@here:~$ cat ${n}\r\n\x1b[?2004l\r${Array.from({ length: 40 }, (_, at) => `${line(n + at)}\r\n`).join('')}`,
};

for (const [name, chunk] of Object.entries(KINDS)) {
  if (!name.includes(ONLY)) continue;
  const lines: string[] = [];
  let bytes = 0;
  for (let n = 0; bytes < MB * 1_000_000; n += 1) {
    const text = JSON.stringify([0.01, 'o', chunk(n)]);
    lines.push(text);
    bytes += text.length + 1;
  }
  const times = new EventTimes(3);
  const channel = { channel: 1, cols: 120, rows: 40, pty: true, command: null };
  const analyser = analyserOf(channel, null);
  const before = process.cpuUsage();
  let found = 0;
  for (const [at, text] of lines.entries()) {
    const event = parseEvent(text);
    if (event === null) throw new Error(text);
    analyser.feed({ ...event, at: times.of(event), isError: false });
    if (at % 50 === 0) found += analyser.take().blocks.length;
  }
  analyser.end();
  found += analyser.take().blocks.length;
  const { user, system } = process.cpuUsage(before);
  const seconds = (user + system) / 1_000_000;
  process.stdout.write(
    `${name.padEnd(16)} ${(bytes / 1_000_000 / seconds).toFixed(1)} MB a CPU second, ${found} blocks\n`,
  );
}
