import { expect, test } from 'vitest';
import { type Found, fold, matches, searchedWords } from '../../src/domain/search.ts';
import { hiddenFound, hitOf, replayPath } from '../../src/domain/search-hit.ts';

test.each([
  ['apt install', ['apt', 'install']],
  ['  APT   apt ', ['apt']],
  ['"apt install" nginx', ['apt install', 'nginx']],
  ['say "it is not closed', ['say', 'it is not closed']],
  ['path=/var/lib', ['path=/var/lib']],
  ['ls -l abc', ['ls', '-l', 'abc']],
  ['"  " abc', ['abc']],
  ['日本語', ['日本語']],
])('the words of %j', (q, words) => {
  expect(searchedWords(q)).toEqual(words);
});

test.each(['', '  ', 'ls', 'a b c', '""', '"ab"', 'a1 b2 c3 d4 e5 f6 g7 h8 abc'])(
  'there is too little, or too much, in %j',
  (q) => {
    expect(searchedWords(q)).toBeNull();
  },
);

test.each([
  ['ÄRGER', 'ärger'],
  ['ΣΊΣΥΦΟΣ', 'σίσυφος'],
  ['e\u0301tat', '\u00e9TAT'],
  ['ЖУК', 'жук'],
])('%j and %j are the same', (one, other) => {
  expect(fold(one)).toBe(fold(other));
});

const FOUND: Found = {
  kind: 'output',
  id: 7,
  at: new Date('2026-03-01T10:00:00Z'),
  sessionId: 12,
  channel: 1,
  second: 83.27,
  until: 84,
  text: 'one\nTwo three\nfour',
  before: 'minus one\nzero',
  after: 'five\nsix\nseven',
  userName: 'ada',
  machineName: 'web1',
  login: 'deploy',
  key: 'a',
  isGrowing: false,
  isScreen: false,
  isLive: false,
};

test('the line with most of the words is shown between its neighbours', () => {
  const hit = hitOf(FOUND, ['o', 'thr']);
  expect(hit).toMatchObject({
    line: 'Two three',
    before: ['zero', 'one'],
    after: ['four', 'five'],
  });
  expect(hitOf({ ...FOUND, text: 'only', before: '', after: '' }, ['only'])).toMatchObject({
    line: 'only',
    before: [],
    after: [],
  });
});

test('of a very long line, the part around the word is shown', () => {
  const { line } = hitOf({ ...FOUND, text: `${'x'.repeat(5000)}NEEDLE${'y'.repeat(5000)}` }, [
    'needle',
  ]);
  expect(line).toContain('NEEDLE');
  expect(line.length).toBeLessThan(410);
});

test('the replay begins at the second, and from the start of a session that goes on', () => {
  expect(replayPath(hitOf(FOUND, ['one']))).toBe('/sessions/12?channel=1&t=83.2');
  expect(replayPath(hitOf({ ...FOUND, isLive: true }, ['one']))).toBe(
    '/sessions/12?channel=1&t=83.2&from=start',
  );
});

const hide = (text: string): string => text.replace(/s3cret/g, '******');

test('what is hidden is not found by itself, and is hidden where it is a neighbour', () => {
  const found = { ...FOUND, text: 'password s3cret', before: 'is s3cret', after: '' };
  expect(hiddenFound(found, ['s3cret'], hide)).toBeNull();
  expect(hiddenFound(found, ['password', 's3c'], hide)).toBeNull();
  expect(hiddenFound(found, ['password'], hide)).toMatchObject({
    text: 'password ******',
    before: 'is ******',
  });
});

test('what is hidden over the end of a text is not found either', () => {
  const whole = (text: string): string =>
    text.includes('BEGIN') ? text.replace(/\w/g, '*') : text;
  const found = { ...FOUND, before: 'BEGIN', text: 'abcdef', after: '' };
  expect(hiddenFound(found, ['abc'], whole)).toBeNull();
  expect(hiddenFound({ ...found, before: '' }, ['abc'], whole)).not.toBeNull();
});

test('words are found in any order, all of them', () => {
  expect(matches('The Quick fox', ['fox', 'quick'])).toBe(true);
  expect(matches('The Quick fox', ['fox', 'slow'])).toBe(false);
});
