import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, within } from '../support/eventually.ts';
import { needs, the } from '../support/requirements.ts';
import { run } from '../support/run.ts';
import { openStage, type Stage } from '../support/stage.ts';

const MB = 1024 * 1024;

needs('ssh', 'sshd', 'scp', 'sftp').describe('files and bulk data through the bastion', () => {
  let stage: Stage;
  let bulk: { readonly path: string; readonly sha256: string };
  beforeAll(async () => {
    stage = await openStage();
    const bytes = randomBytes(100 * MB);
    const path = stage.alice.path('bulk');
    writeFileSync(path, bytes);
    bulk = { path, sha256: createHash('sha256').update(bytes).digest('hex') };
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  const same = (path: string): void => {
    expect(createHash('sha256').update(readFileSync(path)).digest('hex')).toBe(bulk.sha256);
  };

  test('a hundred megabytes go to a command unchanged', async () => {
    const done = await stage.alice.ssh('alice+web1', 'sha256sum', {
      input: openSync(bulk.path, 'r'),
      deadlineMs: 60_000,
    });
    expect(done.stdout.toString().split(' ')[0]).toBe(bulk.sha256);
    expect(await stage.bastion.lastEnded()).toMatchObject({ bytes_in: 100 * MB });
  });

  test('a hundred megabytes come from a command unchanged', async () => {
    const done = await stage.alice.ssh('alice+web1', `cat ${bulk.path}`, {
      hashOnly: true,
      deadlineMs: 60_000,
    });
    expect(done).toMatchObject({ status: 0, sha256: bulk.sha256, bytes: 100 * MB });
    expect(await stage.bastion.lastEnded()).toMatchObject({ bytes_out: 100 * MB });
  });

  test('sftp puts and gets a file', async () => {
    const [there, back] = [stage.alice.path('sftp there'), stage.alice.path('sftp back')];
    const done = await stage.alice.sftp('alice+web1', [
      `put "${bulk.path}" "${there}"`,
      `chmod 640 "${there}"`,
      `get "${there}" "${back}"`,
      `rm "${there}"`,
    ]);
    expect(done).toMatchObject({ status: 0 });
    same(back);
    expect(await stage.bastion.lastEnded()).toMatchObject({
      kind: 'sftp',
      status: 'stopped',
      channels: [{ kind: 'sftp' }],
    });
  });

  test.each([
    ['over sftp', []],
    ['in its old protocol', ['-O']],
  ])('scp copies both ways %s', async (what, more) => {
    const { alice } = stage;
    const [there, back] = [alice.path(`there-${more.length}`), alice.path(`back-${more.length}`)];
    expect(await alice.scp('alice+web1', bulk.path, `:${there}`, more), what).toMatchObject({
      status: 0,
    });
    expect(await alice.scp('alice+web1', `:${there}`, back, more)).toMatchObject({ status: 0 });
    same(back);
  });

  needs('rsync').describe('rsync', () => {
    test('synchronises a tree both ways', async () => {
      const { alice } = stage;
      const tree = alice.path('tree');
      mkdirSync(`${tree}/deep/er`, { recursive: true });
      for (let number = 0; number < 50; number += 1) {
        writeFileSync(`${tree}/deep/er/${number}`, randomBytes(1000 * number));
      }
      const [there, back] = [alice.path('tree-there'), alice.path('tree-back')];
      const up = await alice.rsync('alice+web1', `${tree}/`, `:${there}/`);
      expect(up).toMatchObject({ status: 0 });
      const down = await alice.rsync('alice+web1', `:${there}/`, `${back}/`);
      expect(down).toMatchObject({ status: 0 });
      expect(readdirSync(`${back}/deep/er`)).toHaveLength(50);
      const last = readFileSync(`${tree}/deep/er/49`);
      expect(readFileSync(`${back}/deep/er/49`).equals(last)).toBe(true);
    });
  });

  test('three commands over one ControlMaster are three channels of one session', async () => {
    const { alice, bastion } = stage;
    const socket = alice.path('mux');
    const over = ['-S', socket];
    const master = alice.spawn('alice+web1', null, ['-M', ...over, '-N', '-T']);
    const gone = new Promise((resolve) => master.once('exit', resolve));
    await eventually('the master listens', async () => {
      const check = await run(the('ssh'), alice.args('alice+web1', [], [...over, '-O', 'check']));
      return check.status === 0;
    });
    const commands = [1, 2, 3].map((number) =>
      alice.spawn('alice+web1', `cat; exit ${number}`, over),
    );
    const statuses = commands.map((child) => new Promise((resolve) => child.once('exit', resolve)));
    const outputs = commands.map(() => '');
    for (const [index, child] of commands.entries()) {
      child.stdout?.on('data', (chunk: Buffer) => {
        outputs[index] += chunk.toString();
      });
      child.stdin?.write(`hello ${index}\n`);
    }
    await eventually('all three answer', () => outputs.every((output) => output.length === 8));
    const session = await eventually('one session has three channels', async () => {
      const [only, ...others] = await bastion.sessions();
      if (only === undefined || others.length > 0) return null;
      const whole = await bastion.session(only.id);
      return whole.channels?.length === 3 ? whole : null;
    });
    for (const child of commands) child.stdin?.end();
    expect(await within('the commands end', Promise.all(statuses))).toEqual([1, 2, 3]);
    expect(outputs).toEqual(['hello 0\n', 'hello 1\n', 'hello 2\n']);
    await run(the('ssh'), alice.args('alice+web1', [], [...over, '-O', 'exit']));
    await within('the master ends', gone);
    const ended = await bastion.lastEnded();
    expect(ended.id).toBe(session.id);
    expect(ended.recordings).toHaveLength(3);
    const codes = (ended.channels ?? []).map((channel) => channel.exit_status ?? 0);
    expect(codes.sort((a, b) => a - b)).toEqual([1, 2, 3]);
  });
});
