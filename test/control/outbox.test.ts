import { expect, test } from 'vitest';
import { Outbox } from '../../src/control/outbox.ts';
import { PosternError } from '../../src/domain/errors.ts';
import { listeningLog } from '../recorder/lab.ts';
import { within } from '../support/eventually.ts';

const DOWN = new PosternError('store.down');

/** An outbox over a list that can be away. */
function lab(options: { readonly mostWaiting?: number; readonly pause?: number } = {}) {
  const log = listeningLog();
  const { pause = 1, mostWaiting = 100 } = options;
  const outbox = new Outbox(log, { pauses: [pause], mostWaiting });
  const state = { written: [] as string[], tries: 0, away: false };
  const write = (fact: string): Promise<void> =>
    outbox.write(fact, () => {
      state.tries += 1;
      if (state.away) return Promise.reject(DOWN);
      state.written.push(fact);
      return Promise.resolve();
    });
  const given = () => log.lines.filter(({ level }) => level === 'error').length;
  return { outbox, log, state, write, given };
}

test('facts are written in the order in which they came, each after the one before', async () => {
  const { outbox } = lab();
  const order: string[] = [];
  const first = Promise.withResolvers<void>();
  const one = outbox.write('one', async () => {
    await first.promise;
    order.push('one');
  });
  const two = outbox.write('two', async () => void order.push('two'));
  await Promise.resolve();
  expect(order).toEqual([]);
  first.resolve();
  await Promise.all([one, two]);
  expect(order).toEqual(['one', 'two']);
});

test('while the database is away they wait, and are written once, in order, when it is back', async () => {
  const { state, write, log, given } = lab();
  state.away = true;
  const all = Promise.all(['a', 'b', 'c'].map(write));
  await within(
    'some tries',
    new Promise<void>((resolve) => {
      const look = (): void => void (state.tries > 3 ? resolve() : setImmediate(look));
      look();
    }),
  );
  expect(state.written).toEqual([]);
  state.away = false;
  await within('the facts', all);
  expect(state.written).toEqual(['a', 'b', 'c']);
  expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  expect(given()).toBe(0);
});

test('what the database does not take for another reason is given up at once, loudly', async () => {
  const { outbox, state, write, log } = lab();
  let tries = 0;
  await outbox.write('bad', () => {
    tries += 1;
    return Promise.reject(new Error('null value in column'));
  });
  await write('good');
  expect([tries, state.written]).toEqual([1, ['good']]);
  const [line] = log.lines;
  expect(line).toMatchObject({ level: 'error', fields: { fact: 'bad' } });
});

test('invariant 3: no more than so many wait; what comes beyond is given up, loudly', async () => {
  const { state, write, given } = lab({ mostWaiting: 3 });
  state.away = true;
  const waiting = ['a', 'b', 'c'].map(write);
  await write('d');
  expect(given()).toBe(1);
  state.away = false;
  await Promise.all(waiting);
  expect(state.written).toEqual(['a', 'b', 'c']);
  await write('e');
  expect(state.written).toContain('e');
});

test('close waits for what is under way', async () => {
  const { outbox } = lab();
  const slow = Promise.withResolvers<void>();
  const written = outbox.write('slow', () => slow.promise);
  let closed = false;
  const closing = outbox.close(10_000).then(() => {
    closed = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(closed).toBe(false);
  slow.resolve();
  await Promise.all([written, closing]);
});

test('close tries at once what waits for its next try', async () => {
  const { outbox, state, write } = lab({ pause: 1_000_000 });
  state.away = true;
  const fact = write('a');
  await new Promise((resolve) => setImmediate(resolve));
  state.away = false;
  await within('the close', outbox.close(10_000));
  await fact;
  expect(state.written).toEqual(['a']);
});

test('invariant 3: close ends at its deadline, and everybody who waits is let go', async () => {
  const { outbox, state, write, given } = lab({ pause: 1_000_000 });
  state.away = true;
  const all = Promise.all(['a', 'b', 'c'].map(write));
  await outbox.close(1);
  await within('the facts', all);
  expect(state.written).toEqual([]);
  expect(given()).toBe(3);
  state.away = false;
  await write('late');
  expect(state.written).toEqual([]);
  expect(given()).toBe(4);
});

test('close ends at its deadline though a write never answers', async () => {
  const { outbox } = lab();
  void outbox.write('hung', () => new Promise(() => undefined));
  const behind = outbox.write('behind', () => Promise.resolve());
  await within('the close', outbox.close(1));
  await within('what was behind', behind);
});
