import { expect, test } from 'vitest';
import { SftpFilter } from '../../src/transfer/sftp-filter.ts';
import { packet, text, uint32, uint64 } from './wire.ts';

const init = packet(1, uint32(3));
const version = packet(2, uint32(3), text('posix-rename@openssh.com'), text('1'));
const open = (id: number, path: string, flags: number) =>
  packet(3, uint32(id), text(path), uint32(flags), uint32(0));
const read = (id: number) => packet(5, uint32(id), text('h'), uint64(0), uint32(32768));
const write = (id: number, bytes: Buffer) =>
  packet(6, uint32(id), text('h'), uint64(0), text(bytes));
const one = (type: number, id: number, ...more: readonly Buffer[]) =>
  packet(type, uint32(id), text('/srv/x'), ...more);
const extended = (id: number, name: string) => packet(200, uint32(id), text(name), text('/srv/x'));
const nothing = (id: number) => packet(16, uint32(id), text('.'));
const denied = (id: number) =>
  packet(101, uint32(id), uint32(3), text('not allowed by your grant'), text('en'));
const name = (id: number) =>
  packet(104, uint32(id), uint32(1), text('/home/ada'), text('/home/ada'), uint32(0));

function filter(ways: 'upload' | 'download') {
  const refused: string[] = [];
  const made = new SftpFilter(ways, (request, path) => refused.push(`${request} ${path}`.trim()));
  return { made, refused };
}

/** Everything in pieces of so many bytes, each of them written over afterwards. */
function inPieces(bytes: Buffer, pieces: number, go: (chunk: Buffer) => Buffer): Buffer {
  const out: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieces) {
    out.push(Buffer.from(go(Buffer.from(bytes.subarray(at, at + pieces)))));
  }
  return Buffer.concat(out);
}

const LOOKING: readonly (readonly [string, Buffer])[] = [
  ['close', packet(4, uint32(9), text('h'))],
  ['lstat', one(7, 9)],
  ['fstat', one(8, 9)],
  ['opendir', one(11, 9)],
  ['readdir', one(12, 9)],
  ['realpath', one(16, 9)],
  ['stat', one(17, 9)],
  ['readlink', one(19, 9)],
  ['statvfs', extended(9, 'statvfs@openssh.com')],
  ['limits', extended(9, 'limits@openssh.com')],
];
const READING: readonly (readonly [string, Buffer])[] = [
  ['open to read', open(9, '/srv/x', 1)],
  ['read', read(9)],
];
const CHANGING: readonly (readonly [string, Buffer])[] = [
  ['open to write', open(9, '/srv/x', 0x1a)],
  ['open to append', open(9, '/srv/x', 0x0e)],
  ['write', write(9, Buffer.from('hello'))],
  ['setstat', one(9, 9, uint32(0))],
  ['fsetstat', one(10, 9, uint32(0))],
  ['remove', one(13, 9)],
  ['mkdir', one(14, 9, uint32(0))],
  ['rmdir', one(15, 9)],
  ['rename', one(18, 9, text('/srv/y'))],
  ['symlink', one(20, 9, text('/srv/y'))],
  ['posix-rename', extended(9, 'posix-rename@openssh.com')],
  ['hardlink', extended(9, 'hardlink@openssh.com')],
  ['fsync', extended(9, 'fsync@openssh.com')],
];
const NEVER: readonly (readonly [string, Buffer])[] = [
  ['open for both', open(9, '/srv/x', 3)],
  ['open for nothing', open(9, '/srv/x', 0)],
  ['open with an unknown flag', open(9, '/srv/x', 0x42)],
  ['copy-data', extended(9, 'copy-data')],
  ['version-select', extended(9, 'version-select')],
  ['a request of another version', one(21, 9)],
  ['an answer as a request', one(101, 9)],
];

const all = [...LOOKING, ...READING, ...CHANGING, ...NEVER].map(([what, bytes]) => ({
  what,
  bytes,
  upload: [...LOOKING, ...CHANGING].some(([other]) => other === what),
  download: [...LOOKING, ...READING].some(([other]) => other === what),
}));

test.each(all)('$what: upload $upload, download $download', ({ bytes, ...allowed }) => {
  for (const ways of ['upload', 'download'] as const) {
    const { made, refused } = filter(ways);
    made.toMachine(init);
    const passed = made.toMachine(bytes);
    expect(passed).toEqual(allowed[ways] ? bytes : nothing(9));
    expect(refused).toHaveLength(allowed[ways] ? 0 : 1);
  }
});

test.each([1, 2, 3, 5, 8, 13, 64, 1_000_000])(
  'refusals stand among answers as their requests did, in pieces of %s bytes',
  (pieces) => {
    const { made, refused } = filter('download');
    const asked = [init, open(1, '/a', 1), write(2, Buffer.alloc(5000, 7)), read(3), one(13, 4)];
    const sent = inPieces(Buffer.concat(asked), pieces, (chunk) => made.toMachine(chunk));
    expect(sent).toEqual(Buffer.concat([init, open(1, '/a', 1), nothing(2), read(3), nothing(4)]));
    expect(refused).toEqual(['write', 'remove /srv/x']);
    const data = packet(103, uint32(3), text(Buffer.alloc(40_000, 1)));
    const handle = packet(102, uint32(1), text('h'));
    const answers = [version, handle, name(2), data, packet(101, uint32(4), uint32(4))];
    const heard = inPieces(Buffer.concat(answers), pieces, (chunk) => made.toUser(chunk));
    expect(heard).toEqual(Buffer.concat([version, handle, denied(2), data, denied(4)]));
    // The number is free again.
    expect(made.toUser(handle)).toEqual(handle);
  },
);

test('a client of a newer version is held to the third', () => {
  const { made } = filter('upload');
  const newer = packet(1, uint32(6), text('x'), text('y'));
  expect(made.toMachine(newer)).toEqual(packet(1, uint32(3), text('x'), text('y')));
});

test.each<[string, (made: SftpFilter) => unknown]>([
  ['a machine that goes on in another version', (made) => made.toUser(packet(2, uint32(4)))],
  ['a packet of no length', (made) => made.toMachine(uint32(0))],
  ['a packet of four gigabytes', (made) => made.toMachine(uint32(0xffffffff))],
  ['a packet too short for its number', (made) => made.toMachine(packet(13, Buffer.of(1)))],
  ['a path beyond any', (made) => made.toMachine(open(1, 'x'.repeat(5000), 1))],
  [
    'refusals without end',
    (made) => {
      for (let id = 0; id < 2000; id += 1) made.toMachine(one(13, id));
    },
  ],
])('%s is let through neither way', (_, say) => {
  expect(() => say(filter('download').made)).toThrow();
});
