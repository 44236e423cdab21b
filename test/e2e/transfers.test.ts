import { createHash, randomBytes } from 'node:crypto';
import { openSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataOf } from '../support/api-call.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { openStage, type Stage } from '../support/stage.ts';

const SIZE = 3 * 1024 * 1024;

interface AuditView {
  readonly session_id: string;
  readonly actor: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

interface TransferView {
  readonly protocol: string;
  readonly operation: string;
  readonly path: string;
  readonly direction: string | null;
  readonly bytes_read: number;
  readonly bytes_written: number;
  readonly result: string;
  readonly sha256: string | null;
}

needs('ssh', 'sshd', 'scp', 'sftp', 'rsync').describe('what a session did with files', () => {
  let stage: Stage;
  let file: { readonly path: string; readonly sha256: string };
  beforeAll(async () => {
    stage = await openStage();
    const bytes = randomBytes(SIZE);
    const path = stage.alice.path('a file');
    writeFileSync(path, bytes);
    file = { path, sha256: createHash('sha256').update(bytes).digest('hex') };
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  /** Of the session that ended last, the first thing first. */
  async function transfers(): Promise<readonly TransferView[]> {
    const session = await stage.bastion.lastEnded();
    const answer = await stage.bastion.api(`sessions/${session.id}/transfers?limit=100`);
    return (dataOf(answer) as { transfers: readonly TransferView[] }).transfers.toReversed();
  }

  test('sftp: each file with its hash, each change with its result', async () => {
    const there = stage.alice.path('there');
    await stage.alice.sftp('alice+web1', [
      `put "${file.path}" "${there}"`,
      `get "${there}" "${stage.alice.path('back')}"`,
      `rename "${there}" "${there}2"`,
      `mkdir "${there}3"`,
      `-rm "${there}4"`,
      `rm "${there}2"`,
    ]);
    const all = await transfers();
    const whole = { operation: 'file', path: there, result: 'ok', sha256: file.sha256 };
    expect(all.filter(({ operation }) => operation === 'file')).toMatchObject([
      { ...whole, direction: 'upload', bytes_written: SIZE },
      { ...whole, direction: 'download', bytes_read: SIZE },
    ]);
    const changes = all.map(({ operation, result }) => `${operation} ${result}`);
    expect(changes).toEqual(expect.arrayContaining(['rename ok', 'mkdir ok', 'remove ok']));
  });

  test.each([
    ['over sftp', []],
    ['in its old protocol', ['-O']],
  ])('scp %s, both ways', async (_, more) => {
    const there = stage.alice.path(`scp-${more.length}`);
    await stage.alice.scp('alice+web1', file.path, `:${there}`, more);
    const whole = { operation: 'file', result: 'ok', sha256: file.sha256, path: there };
    expect((await transfers()).filter(({ operation }) => operation === 'file')).toMatchObject([
      { ...whole, direction: 'upload', bytes_written: SIZE },
    ]);
    await stage.alice.scp('alice+web1', `:${there}`, stage.alice.path('scp-back'), more);
    expect(await transfers()).toMatchObject([
      { ...whole, direction: 'download', bytes_read: SIZE },
    ]);
  });

  test('rsync: paths and direction', async () => {
    const there = stage.alice.path('rsynced');
    await stage.alice.rsync('alice+web1', file.path, `:${there}`);
    expect(await transfers()).toMatchObject([
      { protocol: 'rsync', operation: 'tree', direction: 'upload', result: 'ok', path: there },
    ]);
  });

  test('the audit has each file, and the sum of a channel', async () => {
    const there = stage.alice.path('audited');
    await stage.alice.sftp('alice+web1', [`put "${file.path}" "${there}"`, `rm "${there}"`]);
    const { id } = await stage.bastion.lastEnded();
    const find = (type: string): Promise<AuditView> =>
      eventually(type, async () => {
        const answer = await stage.bastion.api(`audit?type=${type}&limit=50`);
        const { events } = dataOf(answer) as { events: readonly AuditView[] };
        return events.find((event) => event.session_id === id);
      });
    expect(await find('transfer.finished')).toMatchObject({
      actor: 'alice',
      detail: { path: there, direction: 'upload', bytes_written: SIZE, sha256: file.sha256 },
    });
    expect(await find('transfer.summary')).toMatchObject({
      detail: { files: 1, changes: expect.any(Number), bytes_written: SIZE, stopped: null },
    });
  });

  test('the command line shows them', async () => {
    const { id } = await stage.bastion.lastEnded();
    const table = await stage.bastion.cli('session', 'transfers', id);
    expect(table.stdout.toString()).toContain(file.sha256);
    expect(table.stdout.toString()).toContain('sftp upload');
  });

  test('a stream that is none of SFTP goes through unchanged, and is said to be unread', async () => {
    const program = stage.alice.path('sftp-server');
    writeFileSync(program, '#!/bin/sh\nexec cat\n', { mode: 0o755 });
    const input = openSync(file.path, 'r');
    const done = await stage.alice.ssh('alice+web1', program, { input, hashOnly: true });
    expect(done).toMatchObject({ status: 0, sha256: file.sha256 });
    expect(await transfers()).toMatchObject([{ operation: 'unreadable' }]);
  });
});
