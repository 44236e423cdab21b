import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { transferProgram } from '../../src/transfer/command.ts';
import { follow as followed, type Said } from './wire.ts';

const SHA = createHash('sha256').update('hello').digest('hex');

/** `>` is the user's, `<` the machine's. */
function follow(command: string, said: readonly string[], pieces?: number) {
  const turns = said.map(
    (one): Said => [one.startsWith('>') ? 'user' : 'machine', Buffer.from(one.slice(1))],
  );
  return followed({ type: 'exec', command }, turns, pieces);
}

test.each([1, 2, 3, 1000])(
  'an upload in pieces of %s bytes, times and a directory with it',
  (pieces) => {
    const file = ['>C0644 5 a\n', '<\0', '>hello\0', '<\0'];
    const deep = ['>T1 0 1 0\n', '<\0', '>D0755 0 sub\n', '<\0', ...file, '>E\n', '<\0'];
    const { events } = follow('scp -r -d -t /srv', ['<\0', ...deep, ...file], pieces);
    const about = {
      protocol: 'scp',
      direction: 'upload',
      bytesWritten: 5,
      result: 'ok',
      sha256: SHA,
    };
    expect(events).toMatchObject([
      { ...about, path: '/srv/sub/a' },
      { ...about, path: '/srv/a' },
    ]);
  },
);

test('a download has the machine as source; an empty file has no hash', () => {
  const said = [
    '>\0',
    '<C0600 5 f\n',
    '>\0',
    '<hello\0',
    '>\0',
    '<C0600 0 g\n',
    '>\0',
    '<\0',
    '>\0',
  ];
  expect(follow("scp -f '/tmp/a b/f'", said).events).toMatchObject([
    { path: '/tmp/a b/f', direction: 'download', bytesRead: 5, sha256: SHA },
    { path: '/tmp/a b/g', bytesRead: 0, sha256: null, result: 'ok' },
  ]);
});

test('what the sink refuses is noted with its words, and the next file is followed', () => {
  const refused = ['<\0', '>C0644 5 a\n', '<\x01scp: /srv/a: Permission denied\n'];
  const { events } = follow('scp -d -t /srv', [
    ...refused,
    '>C0644 5 b\n',
    '<\0',
    '>hello\0',
    '<\0',
  ]);
  expect(events).toMatchObject([
    { path: '/srv/a', result: '/srv/a: Permission denied', sha256: null, bytesWritten: 0 },
    { path: '/srv/b', result: 'ok', sha256: SHA },
  ]);
});

test.each([1, 4, 1000])('what the source cannot read is noted, in pieces of %s bytes', (pieces) => {
  const said = [
    '>\0',
    '<\x01scp: /a: Permission denied\n',
    '<C0600 5 b\n',
    '>\0',
    '<hello\x01b: I/O error\n',
    '>\0',
  ];
  expect(follow('scp -f /a /b', said, pieces).events).toMatchObject([
    { operation: 'file', path: '/a /b', result: '/a: Permission denied', sha256: null },
    { operation: 'file', path: '/b', result: 'b: I/O error', sha256: null, bytesRead: 5 },
  ]);
});

test.each<[string, readonly string[]]>([
  ['a line of another protocol', ['<\0', '>SSH-2.0-x\n']],
  ['a line without end', ['<\0', `>C${'x'.repeat(5000)}`]],
  ['a source that does not wait', ['<\0', '>C0644 5 a\nhello']],
  ['an answer that is none', ['<\x07']],
  ['an answer that nothing asked for', ['<\0', '<\0']],
  ['a line that OpenSSH takes for two', ['<\0', `>\x01${'a'.repeat(2046)}C0755 5 hidden\n`]],
  [
    'directories without end',
    ['<\0', ...Array.from({ length: 100 }, () => [`>D0755 0 ${'d'.repeat(1500)}\n`, '<\0']).flat()],
  ],
])('%s stops the watching with one event', (_, said) => {
  expect(follow('scp -t x', said).events).toMatchObject([{ operation: 'unreadable' }]);
});

test.each([
  ['scp -t x', 'upload', ['x']],
  ['/usr/bin/scp -v -r -p -f -- -x', 'download', ['-x']],
  ['scp -tf x', undefined, undefined],
  ['scp a b', undefined, undefined],
  ['scp -t $(id)', undefined, undefined],
  ['scp -t x; id', undefined, undefined],
  ['echo scp -t x', undefined, undefined],
  ['rsync --server -e.Ls . in', 'upload', ['in']],
  ['rsync a b', undefined, undefined],
])('the command %j', (command, direction, paths) => {
  const found = transferProgram({ type: 'exec', command });
  const shown = found === null || found.protocol === 'sftp' ? null : found;
  expect(shown?.direction).toBe(direction);
  expect(shown?.paths).toEqual(paths);
});
