import { expect, test } from 'vitest';
import type { TransferEvent } from '../../src/domain/transfer.ts';
import { Budget } from '../../src/transfer/budget.ts';
import { Watching } from '../../src/transfer/watching.ts';
import { follow, packet, type Said, SFTP, text, uint32 } from './wire.ts';

const ok = (id: number) => packet(101, uint32(id), uint32(0));

/** Files that are opened under this name, and left open. */
function opened(count: number, name: string): readonly Said[] {
  return Array.from({ length: count }, (_, id): readonly Said[] => [
    ['user', packet(3, uint32(id), text(name), uint32(1), uint32(0))],
    ['machine', packet(102, uint32(id), text(`${id}`))],
  ]).flat();
}

const removed: readonly Said[] = [
  ['user', packet(13, uint32(1), text('/gone'))],
  ['machine', ok(1)],
];

function watch(watching: Watching, said: readonly Said[]): void {
  for (const [from, bytes] of said) {
    if (from === 'user') watching.fromUser(1, bytes);
    else watching.toUser(1, bytes);
  }
}

test('events that cannot be sent end the watching, and nothing is thrown', () => {
  const sent: (readonly TransferEvent[])[] = [];
  const watching = new Watching({ protocol: 'sftp' }, 0, new Budget().share(), (events) => {
    sent.push(events);
    if (sent.length === 1) throw new Error('it cannot be cloned');
  });
  watch(watching, removed);
  watching.end(2, null);
  watching.fromUser(3, Buffer.alloc(100));
  expect(sent.slice(1)).toMatchObject([[{ operation: 'unreadable' }]]);
});

test('what is kept in mind of names has a bound, of one channel and of all', () => {
  const name = '\u202e'.repeat(1000);
  expect(follow(SFTP, opened(100, name)).totals.stopped).toBeNull();
  expect(follow(SFTP, opened(300, name)).totals.stopped).toBe('too much to keep in mind');
  const all = new Budget(100_000);
  all.share().take(50_000);
  const { totals } = follow(SFTP, opened(100, name), undefined, all);
  expect(totals.stopped).toBe('too much to keep in mind of all transfers');
  expect(all.held).toBe(50_000);
});

test('what is not kept any more is not counted any more', () => {
  const all = new Budget();
  const watching = new Watching({ protocol: 'sftp' }, 0, all.share(), () => undefined);
  const change = packet(18, uint32(2), text('/a'), text('/b'));
  const closing = packet(4, uint32(3), text('0'));
  watch(watching, [...opened(1, '/file'), ...removed, ['user', Buffer.concat([change, closing])]]);
  expect(all.held).toBeGreaterThan(0);
  watch(watching, [['machine', Buffer.concat([ok(2), ok(3)])]]);
  expect(all.held).toBe(0);
});
