import { describe, expect, test } from 'vitest';
import { type Key, KeyReader } from '../../../src/proxy/menu/keys.ts';
import { entryOf, type MenuState, menuOf, press, renewed } from '../../../src/proxy/menu/model.ts';
import {
  answer,
  listed,
  type PlainState,
  plainMenu,
  renewedPlain,
} from '../../../src/proxy/menu/plain.ts';
import { cut, tail, widthOfText, withoutLast } from '../../../src/proxy/menu/width.ts';
import { ago } from '../../../src/proxy/menu/words.ts';
import { reachable, some } from './machines.ts';

const NOW = new Date('2026-11-22T12:00:00Z');

function read(...chunks: readonly (string | Buffer)[]): string[] {
  const reader = new KeyReader();
  const keys = chunks.flatMap((chunk) => reader.read(Buffer.from(chunk)));
  return [...keys, ...reader.rest()].map((key) =>
    key.type === 'text' ? key.text : `<${key.type}>`,
  );
}

describe('keys', () => {
  test('arrows and their kin, as xterm, VT100 and rxvt send them', () => {
    expect(read('\x1b[A\x1bOB\x1b[1;5A\x1b[5~\x1b[6~')).toEqual(
      ['up', 'down', 'up', 'page-up', 'page-down'].map((name) => `<${name}>`),
    );
    expect(read('\x1b[H\x1bOF\x1b[1~\x1b[8~\x7f\b\x15\r\x03\x04')).toEqual(
      [
        'home',
        'end',
        'home',
        'end',
        'backspace',
        'backspace',
        'clear',
        'enter',
        'leave',
        'leave',
      ].map((name) => `<${name}>`),
    );
  });

  test('in pieces: sequences and characters', () => {
    const e = Buffer.from('é京');
    expect(read('\x1b', '[', 'A', e.subarray(0, 1), e.subarray(1, 3), e.subarray(3))).toEqual([
      '<up>',
      'é',
      '京',
    ]);
  });

  test('an escape alone is a key once nothing follows, and with a letter both', () => {
    expect(read('\x1b')).toEqual(['<escape>']);
    expect(read('\x1bx\x1b\x1b')).toEqual(['<escape>', 'x', '<escape>', '<escape>']);
  });

  test('what is no key is nothing: other sequences, controls, broken characters', () => {
    expect(
      read('\x1b[200~\x1b[3;4R\x01\x00', Buffer.from([0xff, 0xc3, 0x28]), '\u202e\x9b'),
    ).toEqual(['(']);
    expect(read(`\x1b[${'1;'.repeat(500)}A`).length).toBeLessThan(1100);
  });

  test('a flood is cut', () => {
    expect(read('x'.repeat(10_000))).toHaveLength(512);
  });
});

function typed(state: MenuState, ...keys: readonly (string | Key['type'])[]): MenuState {
  return keys.reduce((before, word) => {
    const key = (
      word.startsWith('<') ? { type: word.slice(1, -1) } : { type: 'text', text: word }
    ) as Key;
    const pressed = press(before, key, 5);
    if (pressed.type !== 'stay') throw new Error(pressed.type);
    return pressed.state;
  }, state);
}

describe('the model', () => {
  const menu = menuOf(some(20).map(entryOf));

  test('moves, and stays inside', () => {
    expect(typed(menu, '<up>').selected).toBe(0);
    expect(typed(menu, '<down>', '<page-down>').selected).toBe(6);
    expect(typed(menu, '<end>', '<down>').selected).toBe(19);
    expect(typed(menu, '<end>', '<page-up>').selected).toBe(14);
    expect(typed(menu, '<end>', '<home>').selected).toBe(0);
  });

  test('filters over name, address and tags, in any case and composition', () => {
    const entries = [
      reachable('web1', { tags: { city: '東京', note: 'Straße' } }),
      reachable('db-café', { address: '10.9.8.7:22' }),
    ].map(entryOf);
    const names = (filter: string) =>
      typed(menuOf(entries), ...filter).found.map(({ name }) => name);
    expect(names('WEB')).toEqual(['web1']);
    expect(names('京')).toEqual(['web1']);
    expect(names('strasse')).toEqual(['web1']);
    expect(names('9.8')).toEqual(['db-café']);
    expect(names('CAFE\u0301')).toEqual(['db-café']);
    expect(names('city= web')).toEqual(['web1']);
    expect(names('web db')).toEqual([]);
  });

  test('takes the filter back by characters, whole, and on Esc', () => {
    expect(typed(menu, 'm', 'x', '<backspace>').filter).toBe('m');
    expect(typed(menu, '<down>', 'm', '0', '<clear>')).toMatchObject({ filter: '', selected: 0 });
    expect(typed(menu, 'm', '<escape>').found).toHaveLength(20);
    expect(typed(menu, ...'m'.repeat(100)).filter).toHaveLength(64);
  });

  test('Enter chooses, q leaves an empty filter only, nothing chooses nothing', () => {
    expect(press(typed(menu, '<down>'), { type: 'enter' }, 5)).toEqual({
      type: 'chosen',
      name: 'm002',
    });
    expect(press(menu, { type: 'text', text: 'q' }, 5)).toEqual({ type: 'left' });
    expect(typed(menu, 'x', 'q').filter).toBe('xq');
    expect(press(menu, { type: 'leave' }, 5)).toEqual({ type: 'left' });
    expect(typed(menu, 'x', '<enter>').found).toEqual([]);
  });

  test('shows what would act on a terminal as text', () => {
    const entry = entryOf(reachable('web1', { tags: { note: '\x1b]0;x\x07', b: '' } }));
    expect(entry.tags).toBe('b note=\\x1b]0;x\\x07');
  });
});

describe('the plain menu', () => {
  function say(state: PlainState, line: string) {
    let now = state;
    for (const text of line) {
      const said = answer(now, { type: 'text', text }, NOW);
      if (said.type === 'stay') now = said.state;
    }
    return answer(now, { type: 'enter' }, NOW);
  }
  const menu = plainMenu(some(45).map(entryOf), 24);

  test('reads out a page, and the next one on Enter, round and round', () => {
    expect(listed(menu, NOW)).toContain('Machines 1 to 20 of 45:\r\n1. m001, 10.0.0.1, never used');
    const second = say(menu, '');
    expect(second).toMatchObject({ state: { first: 20 } });
    const third = second.type === 'stay' ? say(second.state, '') : second;
    expect(third.out).toContain('Machines 41 to 45 of 45:');
    expect(third.type === 'stay' && say(third.state, '')).toMatchObject({ state: { first: 0 } });
  });

  test('takes a number, a name, or narrows to a part of one', () => {
    expect(say(menu, '33')).toMatchObject({ type: 'chosen', name: 'm033' });
    expect(say(menu, 'M007')).toMatchObject({ type: 'chosen', name: 'm007' });
    const part = say(menu, 'm04');
    expect(part.out).toContain('Machines 1 to 6 of 6:\r\n1. m040,');
    expect(part.type === 'stay' && say(part.state, '2')).toMatchObject({ name: 'm041' });
    expect(part.type === 'stay' && say(part.state, '*').out).toContain('1 to 20 of 45');
    expect(say(menu, 'zebra').out).toContain('No machine here is like that.');
    expect(say(menu, '99').out).toContain('No machine here is like that.');
    expect(say(menu, 'q')).toMatchObject({ type: 'left' });
  });

  test('prints no escape sequence, and says the line again when it is corrected', () => {
    const said = answer(menu, { type: 'text', text: 'x' }, NOW);
    const back = said.type === 'stay' ? answer(said.state, { type: 'backspace' }, NOW) : said;
    expect(back.out).toMatch(/^\r\nNumber, .*leave: $/);
    expect(listed(menu, NOW)).not.toContain('\x1b');
  });
});

describe('widths', () => {
  test.each([
    ['abc', 3],
    ['東京', 4],
    ['한글', 4],
    ['ｱｲｳ', 3],
    ['ＡＢ', 4],
    ['e\u0301', 1],
    ['a\u200bb', 2],
    ['😀', 2],
    ['éß', 2],
  ])('%s takes %i columns', (text, width) => {
    expect(widthOfText(text)).toBe(width);
  });

  test('nothing is cut in the middle of a character', () => {
    expect(cut('東京都', 5, '…')).toBe('東京…');
    expect(cut('東京都', 4, '…')).toBe('東…');
    expect(cut('東京', 4, '…')).toBe('東京');
    expect(cut('abc', 0, '…')).toBe('');
    expect(tail('ab東京', 5)).toBe('b東京');
    expect(withoutLast('ae\u0301')).toBe('a');
    expect(withoutLast('')).toBe('');
  });

  test('times read short', () => {
    const before = (seconds: number) => ago(new Date(NOW.getTime() - seconds * 1000), NOW);
    expect([0, 90, 7200, 200_000, 9_000_000].map(before)).toEqual([
      'just now',
      '1 min ago',
      '2 h ago',
      '2 d ago',
      '2026-08-10',
    ]);
    expect(ago(null, NOW)).toBe('never');
  });
});

describe('other machines under a menu that stands', () => {
  const entries = (...names: readonly string[]) => names.map((name) => entryOf(reachable(name)));
  const view = ({ found, selected }: MenuState) => [
    found.map(({ name }) => name),
    found[selected]?.name,
  ];
  const down = (state: MenuState): MenuState => {
    const pressed = press(state, { type: 'down' }, 10);
    if (pressed.type !== 'stay') throw new Error('it is a choice');
    return pressed.state;
  };

  test('come and go around the selection and the filter', () => {
    const before = down(menuOf(entries('b', 'c', 'd')));
    expect(view(before)).toEqual([['b', 'c', 'd'], 'c']);
    expect(view(renewed(before, entries('a', 'b', 'c')))).toEqual([['a', 'b', 'c'], 'c']);
    const typed = press(before, { type: 'text', text: 'b' }, 10);
    if (typed.type !== 'stay') throw new Error('it is a choice');
    expect(view(renewed(typed.state, entries('ab', 'b', 'c')))).toEqual([['ab', 'b'], 'b']);
  });

  test('what is gone stays for as long as it is selected, and no longer', () => {
    const gone = renewed(down(menuOf(entries('a', 'b', 'c'))), entries('a', 'c'));
    expect(view(gone)).toEqual([['a', 'b', 'c'], 'b']);
    expect(gone.found[1]).toMatchObject({ address: 'is gone' });
    expect(view(renewed(gone, entries('a', 'c', 'd')))).toEqual([['a', 'b', 'c', 'd'], 'b']);
    expect(view(renewed(gone, entries('a', 'b', 'c')))).toEqual([['a', 'b', 'c'], 'b']);
    expect(view(down(gone))).toEqual([['a', 'c'], 'c']);
    expect(view(renewed(menuOf(entries('a')), []))).toEqual([['a'], 'a']);
  });

  test('keep the numbers that were read out, and are known by name at once', () => {
    const state = renewedPlain(plainMenu(entries('b', 'c'), 24), entries('a', 'b'));
    const said = (line: string) => {
      const asked = [...line].reduce<PlainState>((now, text) => {
        const typed = answer(now, { type: 'text', text }, NOW);
        return typed.type === 'stay' ? typed.state : now;
      }, state);
      return answer(asked, { type: 'enter' }, NOW);
    };
    expect(said('1')).toMatchObject({ type: 'chosen', name: 'b' });
    expect(said('a')).toMatchObject({ type: 'chosen', name: 'a' });
    expect(said('*')).toMatchObject({ state: { found: [{ name: 'a' }, { name: 'b' }] } });
  });
});
