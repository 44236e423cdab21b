import { expect, test } from 'vitest';
import type { Transfer } from '../../src/domain/transfer.ts';
import { transfersTable } from '../../src/web/transfers-table.ts';

const SHA = 'ab'.repeat(32);

function transfer(change: Partial<Transfer>): Transfer {
  return {
    id: 1,
    sessionId: 1,
    channel: 1,
    protocol: 'sftp',
    operation: 'file',
    path: '/srv/a',
    target: null,
    direction: 'upload',
    bytesRead: 0,
    bytesWritten: 2048,
    result: 'ok',
    sha256: SHA,
    sequential: true,
    startedAt: new Date('2026-03-01T10:00:00.000Z'),
    duration: 12,
    ...change,
  };
}

const shown = (...rows: readonly Transfer[]) =>
  String(transfersTable({ rows, next: null, total: rows.length }));

test('a session without files has no table', () => {
  expect(shown()).toBe('');
});

test('files have their direction and hash, changes what they led to', () => {
  const page = shown(
    transfer({}),
    transfer({ operation: 'rename', direction: null, target: '/srv/b', sha256: null }),
  );
  expect(page).toContain('sftp upload');
  expect(page).toContain(SHA);
  expect(page).toContain('sftp rename');
  expect(page).toContain('/srv/b');
});

test('what others chose is escaped', () => {
  const evil = '<script>alert(1)</script>';
  const page = shown(transfer({ path: evil, target: evil, result: evil }));
  expect(page).not.toContain('<script>');
  expect(page).toContain('&lt;script&gt;');
});
