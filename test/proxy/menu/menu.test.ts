import xterm from '@xterm/headless';
import { afterEach, expect, test, vi } from 'vitest';
import type { ReachableMachine } from '../../../src/domain/control-plane.ts';
import { type Choice, Menu } from '../../../src/proxy/menu/menu.ts';
import { styleOf } from '../../../src/proxy/menu/renderer.ts';
import { reachable, some } from './machines.ts';

/** A menu on an emulated terminal. */
class Seat {
  readonly emulator: xterm.Terminal;
  readonly menu: Menu;
  raw = '';
  choice: Choice | null = null;
  /** Whether the terminal takes no more. */
  full = false;

  constructor(
    machines: readonly ReachableMachine[],
    { cols = 80, rows = 24, term = 'xterm', notice = '' } = {},
  ) {
    this.emulator = new xterm.Terminal({ cols, rows, allowProposedApi: true });
    const window = { cols, rows, width: 0, height: 0 };
    const write = (text: string): boolean => {
      this.raw += text;
      this.emulator.write(text);
      return !this.full;
    };
    this.menu = new Menu({ machines, notice, window, write }, styleOf(term));
    void this.menu.choice.then((choice) => {
      this.choice = choice;
    });
    this.menu.start();
  }

  async type(keys: string): Promise<string[]> {
    this.menu.input(Buffer.from(keys));
    return await this.rows();
  }

  async rows(): Promise<string[]> {
    await new Promise<void>((resolve) => this.emulator.write('', resolve));
    const buffer = this.emulator.buffer.active;
    return Array.from({ length: this.emulator.rows }, (_, row) =>
      (buffer.getLine(buffer.baseY + row)?.translateToString(true) ?? '').trimEnd(),
    );
  }

  get cursor(): [number, number] {
    const { cursorX, cursorY } = this.emulator.buffer.active;
    return [cursorX, cursorY];
  }
}

afterEach(() => {
  vi.useRealTimers();
});

test('200 machines on 80x24: pages, the place in the list, the cursor where one types', async () => {
  const seat = new Seat(some(200));
  let rows = await seat.rows();
  expect(rows[0]).toBe('Postern: which machine?');
  expect(rows[2]).toMatch(/^ {2}NAME +ADDRESS +LAST USED +TAGS$/);
  expect(rows[3]).toMatch(/^> m001 +10\.0\.0\.1 +never$/);
  expect(rows[22]).toBe('1-19 of 200');
  expect(rows[23]).toMatch(/^Enter connects.*\(or 5 min\)$/);
  expect(seat.cursor).toEqual([8, 1]);
  rows = await seat.type('\x1b[6~\x1b[B');
  expect(rows[22]).toBe('20-38 of 200');
  expect(rows[4]).toMatch(/^> m021/);
  rows = await seat.type('\x1b[F');
  expect(rows.filter((row) => row.startsWith('> '))).toEqual([expect.stringMatching(/^> m200/)]);
  rows = await seat.type('m15');
  expect(rows[1]).toBe('Filter: m15');
  expect(rows[22]).toBe('1-10 of 10 (200 in all)');
  expect(seat.cursor).toEqual([11, 1]);
  await seat.type('\x1b[B\r');
  expect(seat.choice).toEqual({ type: 'chosen', name: 'm151' });
});

test('40x10: no line is longer than the screen, and what counts is there', async () => {
  const tags = { city: '東京都千代田区丸の内', env: 'production' };
  const machines = some(30, { tags, address: 'a-long-name.of-a-machine.example.org:2222' });
  const seat = new Seat(machines, { cols: 40, rows: 10 });
  const rows = await seat.rows();
  expect(rows).toHaveLength(10);
  expect(rows[3]).toMatch(/^> m001 {2}a-long-name.*…/);
  expect(rows[8]).toBe('1-5 of 30');
  expect(rows[9]).toBe('Enter connects, q leaves');
});

test.each([
  [1, 1],
  [5, 2],
  [12, 4],
  [20, 6],
])('%ix%i: small, and still a menu', async (cols, rows) => {
  const seat = new Seat(some(9), { cols, rows, notice: 'm001: ended' });
  await seat.type('\x1b[B');
  const shown = await seat.rows();
  if (cols > 5) expect(shown.some((row) => row.startsWith('> m002'))).toBe(true);
  await seat.type('\r');
  expect(seat.choice).toEqual({ type: 'chosen', name: 'm002' });
});

test('wide characters: the columns stand where they stood', async () => {
  const seat = new Seat([
    reachable('plain', { tags: { a: 'b' } }),
    reachable('wide', {
      address: '東京.example.org',
      tags: { city: '東京', long: '長'.repeat(60) },
    }),
  ]);
  const rows = await seat.rows();
  const line = seat.emulator.buffer.active.getLine(4);
  const header = rows[2] ?? '';
  for (const title of ['LAST USED', 'TAGS']) {
    const column = header.indexOf(title);
    expect(
      line
        ?.getCell(column - 1)
        ?.getChars()
        .trim(),
    ).toBe('');
    expect(line?.getCell(column)?.getChars()).toMatch(title === 'TAGS' ? /c/ : /n/);
  }
  expect(rows[4]).toMatch(/長…$/);
  expect(rows[5]).toBe('');
});

test('a resize paints anew, and keeps filter and choice', async () => {
  const seat = new Seat(some(50));
  await seat.type('m0\x1b[B\x1b[B');
  seat.emulator.resize(60, 12);
  seat.menu.resize({ cols: 60, rows: 12, width: 0, height: 0 });
  const rows = await seat.rows();
  expect(rows[1]).toBe('Filter: m0');
  expect(rows[5]).toMatch(/^> m003/);
  expect(rows[10]).toBe('1-7 of 50');
});

test('the screen is given back: what stood there, and the cursor', async () => {
  const seat = new Seat([], { term: 'dumb' });
  seat.menu.stop();
  const emulator = new xterm.Terminal({ cols: 80, rows: 24, allowProposedApi: true });
  emulator.write('$ ssh bastion\r\n');
  const menu = new Menu(
    {
      machines: some(3),
      notice: '',
      window: { cols: 80, rows: 24, width: 0, height: 0 },
      write: (text) => {
        emulator.write(text);
        return true;
      },
    },
    styleOf('xterm-256color'),
  );
  menu.start();
  menu.input(Buffer.from('q'));
  await expect(menu.choice).resolves.toEqual({ type: 'left' });
  await new Promise<void>((resolve) => emulator.write('', resolve));
  const { active } = emulator.buffer;
  expect(active.type).toBe('normal');
  expect(active.getLine(0)?.translateToString(true)).toBe('$ ssh bastion');
  expect([active.cursorX, active.cursorY]).toEqual([0, 1]);
});

test('on a VT100 all is ASCII and of its time', async () => {
  const seat = new Seat([reachable('web1', { tags: { city: '東京' } })], { term: 'vt100' });
  const rows = await seat.type('x\x7f');
  expect(rows[3]).toMatch(/city=\?{4}$/);
  await seat.type('q');
  expect(seat.raw).toMatch(/^\p{ASCII}*$/u);
  expect(seat.raw).not.toMatch(/\?(25|10\d\d|2004)/);
});

test('on a terminal without a cursor nothing moves', async () => {
  const seat = new Seat(some(3), { term: 'dumb', notice: 'm001: the session ended' });
  const rows = await seat.type('2\r');
  expect(seat.raw).not.toContain('\x1b');
  expect(rows).toContain('m001: the session ended');
  expect(rows).toContain('2. m002, 10.0.0.2, never used');
  expect(seat.choice).toEqual({ type: 'chosen', name: 'm002' });
});

test('a terminal that reads nothing is written one picture, when it reads again', async () => {
  const seat = new Seat(some(50));
  seat.full = true;
  await seat.type('m');
  const before = seat.raw.length;
  for (const key of '0123456') await seat.type(key);
  expect(seat.raw.length).toBe(before);
  seat.full = false;
  seat.menu.drained();
  expect((await seat.rows())[1]).toBe('Filter: m0123456');
});

test('without a key for five minutes it ends, and any key puts that off', async () => {
  vi.useFakeTimers();
  const seat = new Seat(some(3));
  vi.advanceTimersByTime(4 * 60_000);
  seat.menu.input(Buffer.from('m'));
  await vi.advanceTimersByTimeAsync(4 * 60_000);
  expect(seat.choice).toBeNull();
  await vi.advanceTimersByTimeAsync(61_000);
  expect(seat.choice).toEqual({ type: 'idle' });
  expect(vi.getTimerCount()).toBe(0);
});

test('an escape alone clears the filter, a tenth of a second later', async () => {
  vi.useFakeTimers();
  const seat = new Seat(some(3));
  seat.menu.input(Buffer.from('zz\x1b'));
  const before = seat.raw.length;
  await vi.advanceTimersByTimeAsync(99);
  expect(seat.raw).toHaveLength(before);
  await vi.advanceTimersByTimeAsync(2);
  seat.menu.input(Buffer.from('\r'));
  await vi.advanceTimersByTimeAsync(0);
  expect(seat.choice).toEqual({ type: 'chosen', name: 'm001' });
});
