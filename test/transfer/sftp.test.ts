import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { follow as followed, packet, type Said, SFTP, text, uint32, uint64 } from './wire.ts';

const CONTENT = Buffer.from('what stands in the file');
const SHA = createHash('sha256').update(CONTENT).digest('hex');
const id = uint32;
const ok = (number: number) => packet(101, id(number), uint32(0), text(''), text(''));
const status = (number: number, code: number) => packet(101, id(number), uint32(code));
const open = (number: number, path: string, flags: number) =>
  packet(3, id(number), text(path), uint32(flags), uint32(0));
const handle = (number: number, name: string) => packet(102, id(number), text(name));
const write = (number: number, name: string, at: number, bytes: Buffer) =>
  packet(6, id(number), text(name), uint64(at), text(bytes));
const read = (number: number, name: string, at: number, length: number) =>
  packet(5, id(number), text(name), uint64(at), uint32(length));
const data = (number: number, bytes: Buffer) => packet(103, id(number), text(bytes));
const close = (number: number, name: string) => packet(4, id(number), text(name));

const greeting: readonly Said[] = [
  ['user', packet(1, uint32(3))],
  ['machine', packet(2, uint32(3), text('posix-rename@openssh.com'), text('1'))],
];

function follow(said: readonly Said[], pieces?: number) {
  return followed(SFTP, [...greeting, ...said], pieces);
}

const upload: readonly Said[] = [
  ['user', open(1, '/srv/new', 0x1a)],
  ['machine', handle(1, 'h')],
  ['user', write(2, 'h', 0, CONTENT.subarray(0, 9))],
  ['user', write(3, 'h', 9, CONTENT.subarray(9))],
  ['machine', Buffer.concat([ok(2), ok(3)])],
  ['user', close(4, 'h')],
  ['machine', ok(4)],
];

test.each([1, 2, 3, 4, 5, 7, 11, 13, 1000])(
  'an upload in pieces of %s bytes has its hash',
  (pieces) => {
    const { events, totals } = follow(upload, pieces);
    expect(events).toMatchObject([
      {
        operation: 'file',
        path: '/srv/new',
        direction: 'upload',
        bytesWritten: CONTENT.length,
        bytesRead: 0,
        result: 'ok',
        sha256: SHA,
        sequential: true,
      },
    ]);
    expect(totals).toMatchObject({ files: 1, changes: 0, stopped: null });
  },
);

test('pipelined reads that come in order have a hash, others say that they were not', () => {
  const halves = [CONTENT.subarray(0, 8), CONTENT.subarray(8)] as const;
  const said = (order: readonly Said[]): readonly Said[] => [
    ['user', open(1, 'f', 1)],
    ['machine', handle(1, 'h')],
    ['user', read(2, 'h', 0, 8)],
    ['user', read(3, 'h', 8, 100)],
    ['user', read(4, 'h', 108, 100)],
    ...order,
    ['machine', status(4, 1)],
    ['user', close(5, 'h')],
    ['machine', ok(5)],
  ];
  const [first, second]: readonly Said[] = [
    ['machine', data(2, halves[0])],
    ['machine', data(3, halves[1])],
  ];
  if (!first || !second) throw new Error('two are said');
  const about = { direction: 'download', bytesRead: CONTENT.length, result: 'ok' };
  expect(follow(said([first, second])).events).toMatchObject([
    { ...about, sha256: SHA, sequential: true },
  ]);
  expect(follow(said([second, first])).events).toMatchObject([
    { ...about, sha256: null, sequential: false },
  ]);
});

test('a write that fails leaves no hash, and names the failure', () => {
  const { events } = follow([
    ...upload.slice(0, 4),
    ['machine', Buffer.concat([ok(2), status(3, 4)])],
    ...upload.slice(5),
  ]);
  expect(events).toMatchObject([{ result: 'failure', sha256: null, bytesWritten: 9 }]);
});

test('changes are noted with their results, extensions too', () => {
  const extended = (number: number, name: string, ...fields: readonly Buffer[]) =>
    packet(200, id(number), text(name), ...fields);
  const { events, totals } = follow([
    ['user', packet(13, id(1), text('/gone'))],
    ['user', packet(14, id(2), text('/new'), uint32(0))],
    ['user', packet(15, id(3), text('/old'))],
    ['user', packet(9, id(4), text('/mode'), uint32(4), uint32(0o600))],
    ['user', packet(18, id(5), text('/a'), text('/b'))],
    ['user', packet(20, id(6), text('/target'), text('/link'))],
    ['user', extended(7, 'posix-rename@openssh.com', text('/c'), text('/d'))],
    ['user', extended(8, 'hardlink@openssh.com', text('/e'), text('/f'))],
    ['user', extended(9, 'statvfs@openssh.com', text('/'))],
    ['user', open(10, '/secret\x1b[2J', 1)],
    ['machine', Buffer.concat([1, 2, 3, 4, 5, 6, 7, 8].map(ok))],
    ['machine', packet(201, id(9))],
    ['machine', status(10, 3)],
  ]);
  const line = ({ operation, path, target, result }: (typeof events)[number]) =>
    [operation, path, target, result].filter((one) => one !== null).join(' ');
  expect(events.map(line)).toEqual([
    'remove /gone ok',
    'mkdir /new ok',
    'rmdir /old ok',
    'setstat /mode ok',
    'rename /a /b ok',
    'symlink /link /target ok',
    'rename /c /d ok',
    'hardlink /e /f ok',
    'file /secret\\x1b[2J permission denied',
  ]);
  expect(totals).toMatchObject({ files: 1, changes: 8 });
});

test('names that a plain object has of its own are no extensions that it knows', () => {
  const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty'];
  const { events, totals } = follow([
    ['user', Buffer.concat(names.map((one, at) => packet(200, id(at), text(one), text('a'))))],
    ['machine', Buffer.concat(names.map((_, at) => status(at, 8)))],
    ...upload,
  ]);
  expect(events).toMatchObject([{ operation: 'file', result: 'ok' }]);
  expect(totals).toMatchObject({ changes: 0, stopped: null });
});

test('a NUL at the end of a name hides nothing, as OpenSSH does not mind it', () => {
  const { events } = follow([
    ['user', packet(200, id(1), text('posix-rename@openssh.com\0'), text('/a\0'), text('/b'))],
    ['machine', ok(1)],
  ]);
  expect(events).toMatchObject([{ operation: 'rename', path: '/a', target: '/b', result: 'ok' }]);
});

test('a handle may be given again once its file is closed', () => {
  const { events, totals } = follow([...upload, ...upload]);
  expect(events).toMatchObject([{ sha256: SHA }, { sha256: SHA }]);
  expect(totals.stopped).toBeNull();
});

test('a copy on the machine names both files', () => {
  const { events } = follow([
    ['user', Buffer.concat([open(1, '/from', 1), open(2, '/to', 2)])],
    ['machine', Buffer.concat([handle(1, 'x'), handle(2, 'y')])],
    [
      'user',
      packet(200, id(3), text('copy-data'), text('x'), uint64(0), uint64(0), text('y'), uint64(0)),
    ],
    ['machine', ok(3)],
  ]);
  expect(events[0]).toMatchObject({
    operation: 'copy',
    path: '/from',
    target: '/to',
    result: 'ok',
  });
});

test('what is open at the end was cut', () => {
  expect(follow(upload.slice(0, 5)).events).toMatchObject([{ result: 'cut', sha256: null }]);
});

test.each<[string, readonly Said[]]>([
  ['a packet without a length', [['user', uint32(0)]]],
  ['a packet of four gigabytes', [['machine', uint32(0xffffffff)]]],
  ['a field longer than its packet', [['user', packet(3, id(1), uint32(500))]]],
  ['a path beyond any', [['user', open(1, 'x'.repeat(5000), 1)]]],
  [
    'an answer that fits no request',
    [
      ['user', open(1, 'x', 1)],
      ['machine', data(1, CONTENT)],
    ],
  ],
  [
    'a second request with the number of one that waits',
    [['user', Buffer.concat([open(1, 'x', 1), packet(13, id(1), text('/gone'))])]],
  ],
  ['an answer that nobody asked for', [['machine', ok(9)]]],
  ['a write to a handle that was not given yet', [['user', write(1, 'h', 0, CONTENT)]]],
  ...(
    [
      ['a write', write(4, 'h', 0, CONTENT)],
      ['a read', read(4, 'h', 0, 9)],
      ['a change of its mode', packet(10, id(4), text('h'), uint32(4), uint32(0o4777))],
      ['a second closing', close(4, 'h')],
    ] as const
  ).map(([use, bytes]): [string, readonly Said[]] => [
    `${use} by a handle that is being closed, which another file may have next`,
    [
      ['user', open(1, 'x', 1)],
      ['machine', handle(1, 'h')],
      ['user', Buffer.concat([close(2, 'h'), open(3, 'y', 2), bytes])],
    ],
  ]),
  [
    'a change of mode by a handle that was not given yet',
    [['user', packet(10, id(1), text('h'), uint32(4), uint32(0o4777))]],
  ],
  ['a name with a NUL in it', [['user', packet(13, id(1), text('/gone\0/x'))]]],
  [
    'one handle for two files',
    [
      ['user', Buffer.concat([open(1, 'x', 1), open(2, 'y', 1)])],
      ['machine', Buffer.concat([handle(1, 'h'), handle(2, 'h')])],
    ],
  ],
  [
    'content that does not fill its packet',
    [
      ['user', open(1, 'x', 2)],
      ['machine', handle(1, 'h')],
      ['user', packet(6, id(2), text('h'), uint64(0), uint32(1), CONTENT)],
    ],
  ],
  ['another version', [['machine', packet(2, uint32(6))]]],
  [
    'requests without end',
    Array.from({ length: 4097 }, (_, at): Said => ['user', packet(17, id(at), text('x'))]),
  ],
  ['paths without end', Array.from({ length: 513 }, (_, at): Said => ['user', open(at, 'x', 1)])],
])('%s stops the watching with one event', (_, said) => {
  const { events, totals } = follow([...said, ...upload]);
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({ operation: 'unreadable' });
  expect(totals.stopped).toBe(events[0]?.result);
});

/** A number from 0 to `below` that is the same at each run. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % below;
  };
}

test('no stream makes it throw, or report without end', () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const roll = dice(seed);
    const said = upload.map(([from, bytes]): Said => {
      const broken = Buffer.from(bytes);
      for (let times = roll(3); times > 0; times -= 1) broken[roll(broken.length)] = roll(256);
      return [from, roll(8) === 0 ? broken.subarray(roll(broken.length)) : broken];
    });
    const noise = Buffer.from(Array.from({ length: 200 }, () => roll(256)));
    const { events } = follow([...said, ['user', noise], ['machine', noise]], 1 + roll(40));
    expect(events.length).toBeLessThan(10);
  }
});
