import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { dataOf } from '../support/api-call.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { openStage, type Stage } from '../support/stage.ts';
import { packet, text, uint32 } from '../transfer/wire.ts';

const SIZE = 8 * 1024 * 1024;

interface AuditView {
  readonly session_id: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Machines of the same sshd, each with one thing allowed. */
const ALLOWED = { down1: 'download', up1: 'upload', files1: 'sftp', both1: 'upload, download' };

needs('ssh', 'sshd', 'scp', 'sftp', 'rsync').describe('files one way alone', () => {
  let stage: Stage;
  let file: { readonly path: string; readonly sha256: string };
  let round = 0;
  beforeAll(async () => {
    stage = await openStage();
    const { sshd, bastion } = stage;
    const names = Object.entries(ALLOWED);
    const key = JSON.stringify(sshd.keyFile);
    const machines = names.map(
      ([name]) =>
        `  - { name: ${name}, kind: ssh, host: ${sshd.host}, port: ${sshd.port}, login: ${sshd.login}, auth: { key: { file: ${key} } }, recording: required }\n`,
    );
    const grants = names.map(
      ([name, allow]) =>
        `  - { to: { user: alice }, on: { machine: ${name} }, allow: [${allow}] }\n`,
    );
    await bastion.apply(`machines:\n${machines.join('')}grants:\n${grants.join('')}`);
    const bytes = randomBytes(SIZE);
    const path = stage.alice.path('file');
    writeFileSync(path, bytes);
    file = { path, sha256: createHash('sha256').update(bytes).digest('hex') };
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });
  let there: string;
  let back: string;
  beforeEach(() => {
    round += 1;
    there = stage.alice.path(`there-${round}`);
    back = stage.alice.path(`back-${round}`);
  });

  const isWhole = (path: string): void => {
    expect(createHash('sha256').update(readFileSync(path)).digest('hex')).toBe(file.sha256);
  };
  const put = (machine: string, more: readonly string[] = []) =>
    stage.alice.scp(`alice+${machine}`, file.path, `:${there}`, more);
  const get = (machine: string, more: readonly string[] = []) =>
    stage.alice.scp(`alice+${machine}`, `:${file.path}`, back, more);

  const PROTOCOLS = [
    ['over sftp', []],
    ['in its old protocol', ['-O']],
  ] as const;

  test.each(PROTOCOLS)('download: scp %s brings files and takes none', async (_, more) => {
    expect(await get('down1', more)).toMatchObject({ status: 0 });
    isWhole(back);
    const refused = await put('down1', more);
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toMatch(
      /scp: .*(permission denied|no grant allows you upload on down1)/i,
    );
    expect(refused.stderr).not.toContain('postern:');
    expect(existsSync(there)).toBe(false);
  });

  test.each(PROTOCOLS)('upload: scp %s takes files and brings none', async (_, more) => {
    expect(await put('up1', more)).toMatchObject({ status: 0 });
    isWhole(there);
    const refused = await get('up1', more);
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toMatch(
      /scp: .*(permission denied|no grant allows you download on up1)/i,
    );
    expect(existsSync(back) && readFileSync(back).length > 0).toBe(false);
  });

  test.each(['files1', 'both1'])('%s: both ways, in both protocols', async (machine) => {
    for (const [, more] of PROTOCOLS) {
      expect(await put(machine, more)).toMatchObject({ status: 0 });
      expect(await get(machine, more)).toMatchObject({ status: 0 });
    }
    isWhole(there);
    isWhole(back);
  });

  test('download: whatever would change something is denied, one after the other', async () => {
    writeFileSync(there, 'stays');
    const before = readdirSync(stage.alice.path('.')).sort();
    const done = await stage.alice.sftp('alice+down1', [
      `-put "${file.path}" "${there}"`,
      `-rm "${there}"`,
      `-rename "${there}" "${there}2"`,
      `-mkdir "${there}3"`,
      `-symlink "${there}" "${there}4"`,
      `-chmod 600 "${there}"`,
      `ls "${stage.alice.path('.')}"`,
      `get "${file.path}" "${back}"`,
    ]);
    expect(done.status).toBe(0);
    expect(done.stderr.match(/permission denied/gi)?.length).toBe(6);
    isWhole(back);
    expect(readFileSync(there, 'utf8')).toBe('stays');
    const mine = (name: string): boolean => !back.endsWith(name) && name !== 'batch';
    const after = readdirSync(stage.alice.path('.')).sort();
    expect(after.filter(mine)).toEqual(before.filter(mine));
  });

  test('upload: directories, renames and removals; nothing is read', async () => {
    const done = await stage.alice.sftp('alice+up1', [
      `mkdir "${there}"`,
      `put "${file.path}" "${there}/a"`,
      `rename "${there}/a" "${there}/b"`,
      `-get "${there}/b" "${back}"`,
      `chmod 600 "${there}/b"`,
      `ls "${there}"`,
    ]);
    expect(done).toMatchObject({ status: 0, stderr: expect.stringMatching(/permission denied/i) });
    isWhole(`${there}/b`);
    expect(existsSync(back) && readFileSync(back).length > 0).toBe(false);
  });

  test('what was refused is in the record and in the audit', async () => {
    await put('down1');
    const { id } = await stage.bastion.lastEnded();
    const answer = await stage.bastion.api(`sessions/${id}/transfers`);
    expect((dataOf(answer) as { transfers: unknown }).transfers).toMatchObject([
      { operation: 'file', path: there, result: 'permission denied', bytes_written: 0 },
    ]);
    const event = await eventually('transfer.denied', async () => {
      const found = await stage.bastion.api('audit?type=transfer.denied&limit=50');
      const { events } = dataOf(found) as { events: readonly AuditView[] };
      return events.find((one) => one.session_id === id);
    });
    expect(event.detail).toMatchObject({ allowed: 'download', request: 'open', path: there });
  });

  test('no shell, no command, no rsync, and no command line dressed as scp', async () => {
    const commands = ['true', `scp -f $(touch ${there})`, `scp -f x;touch ${there}`];
    for (const command of commands) {
      const refused = await stage.alice.ssh('alice+both1', command);
      expect(refused.status).toBe(255);
      expect(refused.stderr).toContain('postern: no grant allows you exec on both1');
    }
    const rsync = await stage.alice.rsync('alice+both1', file.path, `:${there}`);
    expect(rsync.status).not.toBe(0);
    expect(rsync.stderr).toContain('postern: no grant allows you exec on both1');
    expect(existsSync(there)).toBe(false);
  });

  test('a client that leaves in the middle ends the session, and what was open was cut', async () => {
    const client = stage.alice.spawn('alice+up1', 'sftp', ['-s']);
    client.stdout?.resume();
    const init = packet(1, uint32(3));
    const open = packet(3, uint32(1), text(there), uint32(0x1a), uint32(0));
    client.stdin?.write(Buffer.concat([init, open]));
    await eventually('the file is open', () => existsSync(there));
    client.kill('SIGKILL');
    const { id } = await stage.bastion.lastEnded();
    const answer = await stage.bastion.api(`sessions/${id}/transfers`);
    expect((dataOf(answer) as { transfers: unknown }).transfers).toMatchObject([
      { path: there, direction: 'upload', result: 'cut' },
    ]);
  });

  test('what is no SFTP ends the channel', async () => {
    const input = Buffer.alloc(100_000);
    const done = await stage.alice.ssh('alice+down1', 'sftp', { input, more: ['-s'] });
    expect(done.status).toBe(255);
    expect(done.stderr).toContain('you may only download on down1');
  });
});
