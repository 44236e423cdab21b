import { expect, test } from 'vitest';
import { Masker } from '../../src/redact/masker.ts';
import { RuleSet } from '../../src/redact/rule-set.ts';

function through(written: readonly string[]): string {
  const rules = new RuleSet({ patterns: [], without: [] });
  const masker = new Masker({ cols: 80, rows: 12, pty: true }, rules);
  for (const [at, data] of written.entries()) {
    masker.add({ at, code: 'o', data, isError: false });
  }
  masker.end();
  return written.map((data, event) => masker.masks.apply(event, data)).join('');
}

test('a private key that a program shows screen by screen is hidden, also its middle', () => {
  const lines = Array.from(
    { length: 40 },
    (_, at) => `${at + 100}vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJCrze8SNFZ4kKvN7xI0Vni`,
  );
  const key = [
    ['-----BEGIN ', 'RSA PRIVATE KEY-----'].join(''),
    ...lines,
    ['-----END ', 'RSA PRIVATE KEY-----'].join(''),
  ];
  const page = (from: number): string =>
    `\u001b[H\u001b[2J${key.slice(from, from + 10).join('\r\n')}\u001b[12;1H"key.pem" ${from}`;
  const pages = [0, 10, 20, 35, 10].map(page);
  const left = through(['\u001b[?1049h', ...pages]);
  expect(left).not.toContain('RWeJCrze8');
  expect(left).toContain('"key.pem" 20');
  const other = through(['\u001b[?1049h', page(10)]);
  expect(other).toContain('RWeJCrze8');
});
