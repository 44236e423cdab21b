import { describe, expect, test } from 'vitest';
import { covered } from '../../src/redact/masks.ts';
import { idOf, RuleSet } from '../../src/redact/rule-set.ts';
import { NEAR_MISSES, PARTLY } from './forms.ts';

const RULES = new RuleSet({ patterns: [], without: [] });

function shown(text: string, rules = RULES): string {
  return covered(text, rules.find(text));
}

/** Made of parts, so that no scanner takes this file for a leak. */
function token(...parts: readonly string[]): string {
  return parts.join('');
}

const A36 = 'aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6';
const JWT = token(
  'eyJhbGciOiJIUzI1NiJ9',
  '.',
  'eyJzdWIiOiIxMjM0NTY3ODkwIn0',
  '.',
  'dozjgNryP4J3jVmN',
);

const WHOLE: Readonly<Record<string, string>> = {
  'an AWS key id': token('AKIA', 'IOSFODNN7EXAMPLE'),
  'a temporary AWS key id': token('ASIA', 'IOSFODNN7EXAMPLE'),
  'a GitHub token': token('ghp', '_', A36),
  'a GitHub server token': token('ghs', '_', A36),
  'a fine-grained GitHub token': token('github', '_pat_', '11ABCDEFG0', A36, '_', A36),
  'a GitLab token': token('glpat', '-', 'xYz12345678901234567'),
  'a Slack bot token': token('xoxb', '-', '123456789012-abcdefABCDEF'),
  'a Slack app token': token('xapp', '-1-', 'A0123456789-abcdef'),
  'a JSON web token': JWT,
  'an age key': token('AGE-SECRET-KEY-', '1', 'Q'.repeat(58)),
  'a Stripe key': token('sk', '_live_', '4eC39HqLyjWDarjtT1zdp7dc'),
  'a restricted Stripe key': token('rk', '_test_', '4eC39HqLyjWDarjtT1zdp7dc'),
  'a Google key': token('AIza', 'SyA1234567890abcdefghijklmnopqrstuv'),
  'an npm token': token('npm', '_', A36),
  'a Vault token': token('hvs', '.', 'CAESIJ1234567890abcdefghij'),
  'an API key': token('sk', '-proj-', 'abcdefghijklmnopqrstuvwxyz0123'),
  'a password hash': token('$6$', 'rounds=5000$saltsalt$', 'x'.repeat(86)),
};

test.each(Object.entries(WHOLE))('%s is hidden, and what is around it is not', (_, secret) => {
  expect(shown(secret)).toBe('*'.repeat(secret.length));
  expect(shown(`got ${secret}, thanks`)).toBe(`got ${'*'.repeat(secret.length)}, thanks`);
  expect(shown(`"${secret}"`)).toBe(`"${'*'.repeat(secret.length)}"`);
});

test.each(PARTLY)('%s', (marked) => {
  const text = marked.replaceAll(/[«»]/g, '');
  const hidden = marked.replaceAll(/«([^»]*)»/g, (_, secret: string) => '*'.repeat(secret.length));
  expect(shown(text)).toBe(hidden);
});

test.each(NEAR_MISSES)('%s has nothing to hide', (text) => {
  expect(shown(text)).toBe(text);
});

describe('while somebody types it', () => {
  const BEGUN = new RuleSet({ patterns: [], without: [] }, 'begun');
  const begun = [
    'psql postgres://bob:«Hunter2secret»',
    token('npm', '_«', A36.slice(0, 35), '»'),
    token('AIza', '«SyA1234567890abc»'),
    token('hvs', '.«CAESIJ12»'),
    token('sk', '-«proj-abcDE12»'),
    token('pypi', '-Ag«EIcHlwaS»'),
    token('SG', '.«abcdEF12»'),
    'bearer «aBcdef012»',
    'https://hooks.slack.com/services/«T000»',
  ];
  test.each(begun)('%s', (marked) => {
    const secret = /«(.*)»/.exec(marked)?.[1] ?? '';
    const text = marked.replaceAll(/[«»]/g, '');
    const seen = shown(text, BEGUN);
    expect(seen).toHaveLength(text.length);
    expect(seen).not.toContain(secret.slice(0, 4));
  });

  test.each([
    'npm_config_cache=/tmp',
    'import sk-learn',
    'http://localhost:3000',
    'https://example.org:8080/a@b',
    'the bearer of bad news',
    'proxy http://localhost:3128, then',
  ])('%s has nothing to hide', (text) => {
    expect(shown(text, BEGUN)).toBe(text);
  });
});

test('time to look is in proportion to the text, whatever it says', () => {
  const begun = new RuleSet({ patterns: [], without: [] }, 'begun');
  const pieces = [
    'npm_a',
    'sk-',
    'bearer a',
    'a://a:1',
    'eyJ',
    'password',
    'a.',
    '://',
    '-----BEGIN ',
    'authorization: ',
    'mysql ',
    '="',
    '--token ',
    'curl ',
    'curl -u a:',
    'password=a,',
    'a://a:1@',
    'password=~',
    'bearer ',
  ];
  for (const piece of pieces) {
    const text = piece.repeat(100_000 / piece.length);
    expect(RULES.find(text).length).toBeLessThan(text.length);
    expect(begun.find(text).length).toBeLessThan(text.length);
  }
});

describe("an admin's own patterns", () => {
  const own = (match: string) => new RuleSet({ patterns: [{ name: 'own', match }], without: [] });

  test.each([
    ['TICKET-[0-9]{6}', 'see TICKET-123456 now', 'see ************* now'],
    ['(?i)ticket-\\d+', 'Ticket-12, TICKET-3', '*********, ********'],
    ['\\bpin:?\\s*\\d{4}\\b', 'pin: 1234 pin 12345 opin 1234', '********* pin 12345 opin 1234'],
    ['(foo|ba[rz])+', 'xfoobarbazx', 'x*********x'],
    ['^root:[^:]*', 'root:secret:0', '***********:0'],
    ['[^\\s]{3,}$', 'ab abc', 'ab ***'],
    ['a(b?c){2,3}', 'abcc acc ac', '**** *** ac'],
    ['€\\d+', '€12', '***'],
  ])('%s', (match, text, hidden) => {
    expect(shown(text, own(match))).toBe(hidden);
  });

  test.each([
    '',
    '(',
    'a)',
    '[a',
    '*a',
    'a**',
    '(?=a)b',
    '(a)\\1',
    'a{2,1}',
    'a{300}',
    'a*',
    '\\q',
    'x'.repeat(501),
    '((a{200}){200})',
  ])('a pattern that is not possible is refused: %s', (match) => {
    expect(() => own(match)).toThrow(expect.objectContaining({ code: 'redaction.pattern' }));
  });

  test('no pattern takes longer than its bound', () => {
    const hostile = ['(a+)+b', '(a|a)*c', '(a|b)*a(a|b){12}x', '.*.*.*.*=', '(\\w+\\s?)+!'];
    for (const match of hostile) {
      expect(own(match).find('a'.repeat(20_000))).toEqual([]);
    }
  });

  test('nor does any text, in whatever script', () => {
    const texts = [
      'д'.repeat(1024),
      'д'.repeat(30_000),
      `${'д€'.repeat(10_000)}!`,
      'a'.repeat(30_000),
    ];
    const began = performance.now();
    for (const match of ['[^ ]{8,100}!', '([^ ]{1,40}x?){20}!', '[^ ]+!', '(д|€)*(д|€)(.|€){9}']) {
      for (const text of texts) own(match).find(text);
    }
    // Without a bound it is minutes.
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(own('[^ ]{8,100}!').find('д'.repeat(1024))).toEqual([]);
    expect(own('[а-я]{3}!').find('дда да€ддд!')).toEqual([{ from: 7, to: 11 }]);
  });

  test('what costs too much to be looked through is hidden', () => {
    const costly = own('[ab]{240}b[ab]{240}b[ab]{240}');
    let seed = 1;
    const text = Array.from({ length: 30_000 }, () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return 'ab'.charAt(seed & 1);
    });
    expect(costly.find(`${text.join('')}!`)).toEqual([{ from: 0, to: 30_001 }]);
    expect(costly.find('ab!')).toEqual([]);
  });

  test('other rules have another name', () => {
    expect(own('a').id).not.toBe(own('b').id);
    expect(own('a').id).toBe(own('a').id);
    expect(new RuleSet({ patterns: [], without: ['jwt'] }).id).not.toBe(RULES.id);
    expect(shown(JWT, new RuleSet({ patterns: [], without: ['jwt'] }))).toBe(JWT);
  });
});

test('another form of secrets is another name of the rules', () => {
  const one = { name: 'one', pattern: /a(b)/g };
  expect(idOf([one], [])).toBe(idOf([{ ...one }], []));
  expect(idOf([{ ...one, pattern: /a(c)/g }], [])).not.toBe(idOf([one], []));
});

test('a long secret is found wherever it stands in a long line', () => {
  const long = token('eyJ', 'a'.repeat(3900), '.', 'eyJ', 'b'.repeat(7900), '.', 'c'.repeat(1900));
  for (const at of [0, 10_000, 20_000, 25_000, 32_000]) {
    const text = `${' '.repeat(at)}${long} ${'x '.repeat(10_000)}`;
    expect(RULES.find(text)).toEqual([{ from: at, to: at + long.length }]);
  }
});

test('the lines of a private key are hidden in a text, also without its beginning or its end', () => {
  const body = `${A36}${A36}`;
  const begin = token('-----BEGIN ', 'OPENSSH PRIVATE KEY-----');
  const end = token('-----END ', 'OPENSSH PRIVATE KEY-----');
  const lines = (text: string) => RULES.hide(text).split('\n');
  const whole = lines(`$ cat key\n${begin}\n${body}\n${body}\n${end}\n$ date`);
  expect(whole).toHaveLength(6);
  expect(whole.join('\n')).not.toContain(A36);
  expect(whole[5]).toBe('$ date');
  expect(lines(`${begin}\n${body}`)[1]).not.toContain(A36);
  expect(lines(`${body}\n${end}`)[0]).not.toContain(A36);
  expect(lines(`${body}\n$ date`)[0]).toContain(A36);
});
