import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BUILTIN_RULES, loadRedactionRules } from '../../src/app/redaction.ts';
import { scratch } from '../support/scratch.ts';

function load(text: string) {
  using files = scratch();
  const path = files.join('rules.yaml');
  writeFileSync(path, text);
  return loadRedactionRules(path);
}

test('a file adds patterns to the built-in ones, and takes some away', () => {
  const patterns = [{ name: 'ticket', match: 'TICKET-[0-9]{6}' }];
  const text = "patterns:\n  - { name: ticket, match: 'TICKET-[0-9]{6}' }\nwithout: [jwt]\n";
  expect(load(text)).toEqual({ patterns, without: ['jwt'] });
  expect(loadRedactionRules(null)).toBe(BUILTIN_RULES);
});

test.each([
  ['', 'it has no patterns'],
  ['patterns: yes', 'patterns is no list'],
  ['patterns: [ticket]', 'a pattern has a name and a match'],
  ['patterns: [{ name: x }]', 'a pattern has a name and a match'],
  ['patterns: [{ name: x, match: y, more: z }]', 'a pattern has a name and a match'],
  ['rules: []', 'not rules'],
  ['without: [nonsense]', 'there is no detector nonsense; there are private-key, aws'],
  ['patterns: [', 'cannot be used'],
])('%s: %s', (text, reason) => {
  expect(() => load(text)).toThrow(reason);
});

test('a file that is not there is named', () => {
  expect(() => loadRedactionRules('/nowhere/rules.yaml')).toThrow('/nowhere/rules.yaml');
});
