import { constants } from 'node:fs';
import { expect, test } from 'vitest';
import { longName } from '../../src/sftp/attributes.ts';

test.each([
  ['-', constants.S_IFREG],
  ['d', constants.S_IFDIR],
  ['l', constants.S_IFLNK],
  ['c', constants.S_IFCHR],
  ['b', constants.S_IFBLK],
  ['p', constants.S_IFIFO],
  ['s', constants.S_IFSOCK],
])('a file of kind %s is shown as one', (letter, kind) => {
  const about = { size: 12, uid: 1, gid: 2, accessed: 0, modified: 0 };
  const line = longName(Buffer.from('name'), { ...about, mode: kind | 0o640 });
  expect(line.toString()).toBe(`${letter}rw-r----- 1 1 2 12 1970-01-01 00:00 name`);
});

test('a date that is beyond any calendar is none', () => {
  const about = { size: 1, uid: 0, gid: 0, accessed: 0, mode: constants.S_IFREG | 0o644 };
  const line = longName(Buffer.from('far'), { ...about, modified: 99_999_999_999_999 });
  expect(line.toString()).toBe('-rw-r--r-- 1 0 0 1 ? far');
});
