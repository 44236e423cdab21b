import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Masker } from '../../src/redact/masker.ts';
import { plain, RULES, type Size, through, type Written } from './masked.ts';

const SECRET = ['ghp', '_', 'aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6'].join('');
const STARS = '*'.repeat(SECRET.length);

const SGR = fc.constantFrom(
  '',
  '\u001b[31m',
  '\u001b[0m',
  '\u001b[1;38;5;200m',
  '\u001b[m\u001b[K',
);

/** The secret in pieces, with colours between. */
const pieces = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 12 }), SGR, fc.boolean()), { minLength: 1 })
  .map((cuts) => {
    const events: string[] = [''];
    let at = 0;
    for (const [length, sgr, isNew] of [...cuts, [SECRET.length, '', false] as const]) {
      if (isNew) events.push('');
      events[events.length - 1] += sgr + SECRET.slice(at, at + length);
      at += length;
    }
    return events;
  });

describe('a secret is not in what is shown', () => {
  test('whatever way it is cut, coloured and wrapped', async () => {
    const size = fc.record({
      cols: fc.integer({ min: 1, max: 100 }),
      rows: fc.integer({ min: 1, max: 40 }),
      pty: fc.boolean(),
    });
    const text = fc.string({ maxLength: 30 }).filter((one) => !one.includes('ghp'));
    await fc.assert(
      fc.asyncProperty(pieces, size, text, text, async (parts, terminal, before, after) => {
        const written = [`${before} `, ...parts, ` ${after}`];
        const all = await through(written, terminal);
        expect(all.map(({ length }) => length)).toEqual(written.map(({ length }) => length));
        const seen = plain(all.join(''));
        expect(seen).not.toContain(SECRET);
        expect(seen).toContain(STARS);
        expect(seen).toBe(plain(written.join('')).replace(SECRET, STARS));
      }),
      { numRuns: 300 },
    );
  });

  test.each<[string, readonly Written[], Size?]>([
    ['typed key by key', [...`echo ${SECRET}`]],
    [
      'typed with mistakes that were taken back',
      ['ghp_aB3x', '\b \b', 'x', '\b\u001b[K', SECRET.slice(7)],
    ],
    [
      'put together with cursor movements',
      [`\u001b[5;11H${SECRET.slice(10)}`, `\u001b[5;1H${SECRET.slice(0, 10)}`],
    ],
    [
      'drawn from its end',
      [...SECRET].map((letter, at) => `\u001b[3;${at + 1}H${letter}`).reverse(),
    ],
    [
      'in the alternate screen',
      [
        '\u001b[?1049h\u001b[2J',
        `\u001b[10;5H${SECRET.slice(0, 20)}`,
        `${SECRET.slice(20)}`,
        '\u001b[?1049l',
      ],
    ],
    [
      'redrawn by readline',
      [`$ ${SECRET.slice(0, 30)}`, `\r\u001b[2C${SECRET}\u001b[K`, '\u001b[5D', '\r\n'],
    ],
    [
      'inserted into',
      [
        SECRET.slice(0, 10) + SECRET.slice(14),
        '\u001b[14D\u001b[12D',
        `\u001b[4h${SECRET.slice(10, 14)}\u001b[4l`,
      ],
    ],
    [
      'scrolled away at once',
      [`${SECRET.slice(0, 20)}`, `${SECRET.slice(20)}\r\n${'line\r\n'.repeat(500)}`],
    ],
    ['at the edge of a terminal without wrapping', [`\u001b[?7l${'x'.repeat(60)} ${SECRET}`]],
    [
      'on the other output',
      [['e', SECRET.slice(0, 9)], 'noise', ['e', SECRET.slice(9)]],
      { pty: false },
    ],
    [
      'with marks that take no room',
      [`${SECRET.slice(0, 8)}\u200b${SECRET.slice(8, 12)}\u007f${SECRET.slice(12)}`],
    ],
    ['typed as input', [...SECRET].map((letter) => ['i', letter] as const)],
    [
      'typed as input, with a mistake',
      [
        ['i', SECRET.slice(0, 9)],
        ['i', 'x'],
        ['i', '\u007f'],
        ['i', SECRET.slice(9)],
      ],
    ],
    ['in a mark', [['m', `export of ${SECRET}`]]],
    ['overstruck', [[...SECRET].map((letter) => `${letter}\b${letter}`).join('')]],
    ['with a resize in it', [SECRET.slice(0, 30), ['r', '20x5'], SECRET.slice(30)]],
    ['beside a hyperlink', [`${SECRET.slice(0, 9)}\u001b]8;;http://x\u001b\\${SECRET.slice(9)}`]],
  ])('%s', async (_, written, size) => {
    const all = await through(written, size);
    const letters = [...SECRET].slice(4).map((letter) => letter);
    const seen = all.map((text, at) => (written[at]?.[0] === 'r' ? '' : plain(text))).join('');
    for (let at = 0; at + 6 <= letters.length; at += 1) {
      expect(seen).not.toContain(letters.slice(at, at + 6).join(''));
    }
    expect(seen).toContain('*');
  });

  test('repeated by the terminal', async () => {
    const [shownText = ''] = await through(['password=aa\u001b[4bc\r\n']);
    expect(shownText).toBe('password=**\u001b[4b*\r\n');
  });

  test('titles and the clipboard are dropped whole', async () => {
    const clipboard = Buffer.from(`x ${SECRET}`).toString('base64');
    expect(await through([`\u001b]0;${SECRET.slice(0, 5)}`, `${SECRET.slice(5)}\u0007a`])).toEqual([
      '\u001b]',
      '\u0007a',
    ]);
    expect(await through([`\u001b]52;c;${clipboard}\u001b\\b`])).toEqual(['\u001b]\u001b\\b']);
    expect(await through([`\u001bP${SECRET}\u001b\\b`])).toEqual(['\u001bP\u001b\\b']);
    expect(await through(['\u001b]0;a title\u0007\u001b]52;c;YQ==\u0007'])).toEqual([
      '\u001b]0;a title\u0007\u001b]52;c;YQ==\u0007',
    ]);
  });

  test('a private key on the clipboard is hidden, however long the rest is', async () => {
    const body = 'q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ'.slice(0, 64);
    const key = [
      ['-----BEGIN ', 'OPENSSH PRIVATE KEY-----'].join(''),
      ...Array.from({ length: 30 }, () => body),
      ['-----END ', 'OPENSSH PRIVATE KEY-----'].join(''),
    ];
    const clipboard = (text: string) => Buffer.from(text).toString('base64');
    for (const end of ['\n', '\r\n']) {
      const text = clipboard(key.join(end));
      expect(await through([`\u001b]52;c;${text}\u0007`])).toEqual(['\u001b]\u0007']);
      const half = clipboard(key.slice(0, 9).join(end));
      expect(await through([`\u001b]52;c;${half}\u0007`])).toEqual(['\u001b]\u0007']);
    }
    for (const before of [196_500, 195_000, 300_001]) {
      const text = clipboard(`${'a b '.repeat(before / 4)}${key.join('\n')}\n`);
      const events = [`\u001b]52;c;${text.slice(0, 5000)}`];
      for (let at = 5000; at < text.length; at += 8192) events.push(text.slice(at, at + 8192));
      const left = (await through([...events, '\u0007'])).join('');
      const said = Buffer.from(left.replace('\u001b]52;c;', ''), 'base64').toString();
      expect(said).not.toContain(body.slice(0, 20));
      expect(said).not.toContain('PRIVATE KEY');
    }
    expect(await through([`\u001b]52;c;${clipboard(`x ${SECRET}`)}\u0007`])).toEqual([
      '\u001b]\u0007',
    ]);
  });

  test('wide characters are as wide as before', async () => {
    expect(await through(['password=密碼x\r\n'])).toEqual(['password=＊＊*\r\n']);
  });
});

describe('private keys', () => {
  const BODY = Array.from(
    { length: 60 },
    (_, at) =>
      `${'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC'.repeat(2)}`.slice(0, 62) + String(at).padStart(2, '0'),
  );
  const BEGIN = ['-----BEGIN', 'OPENSSH PRIVATE KEY-----'].join(' ');
  const END = ['-----END', 'OPENSSH PRIVATE KEY-----'].join(' ');
  const KEY = [BEGIN, ...BODY, 'AbC=', END];

  test('are hidden line by line, and what is around them is not', async () => {
    const written = [...KEY.map((line) => `${line}\r\n`), 'user@host:~$ ls\r\n', 'abcdefgh\r\n'];
    const all = await through(written);
    const hidden = KEY.map((line) => (line.startsWith('-') ? line : '*'.repeat(line.length)));
    expect(all).toEqual([
      ...hidden.map((line) => `${line}\r\n`),
      'user@host:~$ ls\r\n',
      'abcdefgh\r\n',
    ]);
  });

  test('in one piece, without a terminal', async () => {
    const [text = ''] = await through([`${KEY.join('\n')}\nafter\n`], { pty: false });
    expect(text).not.toContain('MII');
    expect(text.endsWith('\nafter\n')).toBe(true);
  });

  test('in a pager that shows a part of them, from their beginning and from their end', async () => {
    const page = (lines: readonly string[]) =>
      `\u001b[H${lines.map((line) => `${line}\u001b[K\r\n`).join('')}`;
    const first = await through([
      '\u001b[?1049h',
      page(KEY.slice(0, 20)),
      `\u001b[24;1H${BODY[19]}\r\n${BODY[20]}`,
    ]);
    expect(first.join('')).not.toContain('MII');
    const last = await through(['\u001b[?1049h', page(KEY.slice(-20))]);
    expect(last.join('')).not.toContain('MII');
  });

  test('a certificate and a public key are shown', async () => {
    const text = ['-----BEGIN CERTIFICATE-----', ...BODY, '-----END CERTIFICATE-----', ''].join(
      '\r\n',
    );
    expect(await through([text])).toEqual([text]);
  });
});

describe('what has no secret in it', () => {
  test('comes back as it was', async () => {
    const written = fc.array(
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 40 }),
        fc.constantFrom(
          '\u001b[2J',
          '\u001b[10;10H',
          '\r\n',
          '\u001b[?1049h',
          '\u001b]0;t',
          '\u001b[5b',
          '\u001bM',
        ),
      ),
    );
    const hints = /[:=/]|key|pass|secret|token/i;
    await fc.assert(
      fc.asyncProperty(written, fc.boolean(), async (all, pty) => {
        fc.pre(!hints.test(all.join('')));
        expect(await through(all, { pty })).toEqual(all);
      }),
      { numRuns: 300 },
    );
  });

  test('events keep their times and codes', async () => {
    const all = await through(['a', ['r', '100x30'], ['m', 'mark'], ['x', '0']]);
    expect(all).toEqual(['a', '100x30', 'mark', '0']);
  });
});

test('a terminal that is too large is refused', () => {
  expect(() => new Masker({ cols: 60_000, rows: 60_000, pty: true }, RULES)).toThrow('too large');
});
