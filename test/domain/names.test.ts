import { describe, expect, test } from 'vitest';
import { formatId, parseId } from '../../src/domain/ids.ts';
import { isLogin, isMachineName, isUserName } from '../../src/domain/names.ts';
import { MAX_USER_NAME, parseUserName } from '../../src/domain/user-name.ts';

const LONGEST = 'a'.repeat(64);

/** No door takes any of these for a name. */
const BAD = [
  '',
  ' ',
  'a b',
  'a\n',
  '\na',
  'a\0',
  'a\u001b[31m',
  '-oProxyCommand=x',
  '.hidden',
  'a/b',
  'a@b',
  'a+b',
  'a:b',
  'a%b',
  'a;b',
  '$(id)',
  '`id`',
  "a'b",
  'a"b',
  'a|b',
  'a*',
  'ünal',
  'аlice', // with a Cyrillic letter
  'ａlice', // full width
  'a\u202eb',
  'a\u200bb',
  '\ud83d',
  `${LONGEST}a`,
];

describe('names', () => {
  test.each(BAD)('%j is none', (text) => {
    expect([isUserName(text), isMachineName(text), isLogin(text)]).toEqual([false, false, false]);
  });

  test.each(['a', '7', 'alice', 'Alice.B-c_d', 'a..b', 'a-', LONGEST])('%j is one', (text) => {
    expect([isUserName(text), isMachineName(text), isLogin(text)]).toEqual([true, true, true]);
  });

  test('users and logins may begin with an underscore, logins may be of a directory', () => {
    expect([isUserName('_apt'), isMachineName('_apt'), isLogin('_apt')]).toEqual([
      true,
      false,
      true,
    ]);
    expect([isUserName('CORP\\al$'), isLogin('CORP\\al$')]).toEqual([false, true]);
  });
});

describe('the SSH user name', () => {
  test.each([
    ['alice', { user: 'alice', machine: null, login: null }],
    ['alice+web1', { user: 'alice', machine: 'web1', login: null }],
    ['alice:web1', { user: 'alice', machine: 'web1', login: null }],
    ['alice+root@web1', { user: 'alice', machine: 'web1', login: 'root' }],
    ['alice:root@web1', { user: 'alice', machine: 'web1', login: 'root' }],
    [
      '_a+CORP\\bob$@web-1.example.org',
      { user: '_a', machine: 'web-1.example.org', login: 'CORP\\bob$' },
    ],
    [`${LONGEST}+${LONGEST}@${LONGEST}`, { user: LONGEST, machine: LONGEST, login: LONGEST }],
  ])('%s', (text, expected) => {
    expect(parseUserName(text)).toEqual(expected);
  });

  test.each([
    ...BAD.filter((text) => !/^a[+:]b$/.test(text)),
    '+',
    ':',
    '@',
    '+web1',
    ':web1',
    'alice+',
    'alice:',
    'alice+@web1',
    'alice+root@',
    'alice+root@@web1',
    'alice+a@b@web1',
    'alice++web1',
    'alice+:web1',
    'alice:+web1',
    'alice+web1+web2',
    'alice:web1:22',
    'alice+root:x@web1',
    'alice@web1',
    'root@web1+alice',
    'alice+-web1',
    'alice+_web1',
    'alice+-root@web1',
    'alice +web1',
    'alice+ web1',
    'alice+web1 ',
    'alice+web1\n',
    'alice+ro ot@web1',
    'alice+web1\0',
    'alice＋web1',
    'alice+wéb1',
    `alice+${LONGEST}a`,
    `alice+${LONGEST}a@web1`,
    `${LONGEST}a+web1`,
  ])('%j is none', (text) => {
    expect(parseUserName(text)).toBeNull();
  });

  test('is read up to a length, whatever it holds', () => {
    expect(parseUserName('a'.repeat(MAX_USER_NAME + 1))).toBeNull();
    expect(parseUserName('+'.repeat(5_000_000))).toBeNull();
  });
});

describe('ids', () => {
  test('are written with their kind', () => {
    expect([formatId('sess', 12), formatId('usr', 1)]).toEqual(['sess_12', 'usr_1']);
  });

  test.each([
    ['sess_12', 12],
    ['12', 12],
    ['sess_9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('%s is read', (text, key) => {
    expect(parseId('sess', text)).toBe(key);
  });

  test.each([
    '',
    'sess_',
    '0',
    'sess_0',
    '01',
    '-1',
    '+1',
    '1.0',
    '1e3',
    '0x10',
    ' 1',
    '1 ',
    '1\n',
    '١',
    'usr_12',
    'sess_sess_1',
    'SESS_1',
    'sess-1',
    '9007199254740992',
    '99999999999999999999',
    'NaN',
    '../1',
  ])('%j is none', (text) => {
    expect(parseId('sess', text)).toBeNull();
  });
});
