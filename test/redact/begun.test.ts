import { expect, test } from 'vitest';
import { RuleSet } from '../../src/redact/rule-set.ts';
import { plain, type Size, through, type Written } from './masked.ts';

const BEGUN = new RuleSet({ patterns: [], without: [] }, 'begun');
const BEGIN = ['ghp', '_', 'aB3dE6g'].join('');

test.each<[string, readonly Written[], Size?]>([
  ['key by key', ['$ export T=', ...BEGIN]],
  ['over two rows', [`$ ${BEGIN}`], { cols: 7 }],
  ['and then the cursor went elsewhere', [`\u001b[5;1H${BEGIN}`, '\u001b[1;1H']],
  ['before a program took the screen', [`$ ${BEGIN}`, '\u001b[?1049h\u001b[2J', 'an editor']],
  ['in that program', ['\u001b[?1049h\u001b[2J', `\u001b[3;4H${BEGIN}`]],
  ['without a terminal', [`token ${BEGIN}`], { pty: false }],
  ['as input', [...BEGIN].map((letter) => ['i', letter] as const)],
  ['in a title', [`\u001b]0;${BEGIN}`]],
])('of a recording that goes on, what has only begun: %s', async (_, written, size) => {
  const seen = plain((await through(written, size, BEGUN)).join('').replaceAll('\r\n', ''));
  expect(seen).not.toContain('aB3');
  // What has ended like that was no token.
  expect((await through(written, size)).join('')).toBe(
    written.map((one) => (typeof one === 'string' ? one : one[1])).join(''),
  );
});
