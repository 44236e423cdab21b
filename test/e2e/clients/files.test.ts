import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { plainEnvironment } from '../../support/environment.ts';
import { eventually, within } from '../../support/eventually.ts';
import { fingerprintOf } from '../../support/fingerprint.ts';
import { JumpClient } from '../../support/jump-client.ts';
import { Putty } from '../../support/putty.ts';
import { needs, the } from '../../support/requirements.ts';
import { type Finished, must, run } from '../../support/run.ts';
import { openStage, type Stage } from '../../support/stage.ts';

const MB = 1024 * 1024;

needs('ssh', 'sshd', 'sftp').describe('clients that move files', () => {
  let stage: Stage;
  let jump: JumpClient;
  /** One that is not of a size that anything likes. */
  const bytes = randomBytes(3 * MB + 7);
  beforeAll(async () => {
    stage = await openStage();
    const known = await stage.bastion.cli('machine', 'known-hosts');
    jump = new JumpClient(stage.alice, stage.bastion.ssh, known.stdout.toString());
    writeFileSync(stage.alice.path('bytes'), bytes);
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  const place = (name: string): string => {
    const made = stage.alice.path(name);
    mkdirSync(made, { recursive: true });
    return made;
  };
  const same = (path: string): void => expect(readFileSync(path).equals(bytes)).toBe(true);
  /** OpenSSH's command line, as other programs are told it. */
  const openssh = (...more: readonly string[]): string =>
    [the('ssh'), ...stage.alice.options(more), '-p', String(stage.bastion.ssh.port)].join(' ');

  needs('git').describe('git', () => {
    const git = (cwd: string, command: string, ...args: readonly string[]): Promise<Finished> =>
      must(the('git'), ['-c', 'init.defaultBranch=main', ...args], {
        cwd,
        env: {
          GIT_SSH_COMMAND: command,
          GIT_CONFIG_GLOBAL: '/dev/null',
          GIT_CONFIG_SYSTEM: '/dev/null',
          GIT_AUTHOR_NAME: 'alice',
          GIT_AUTHOR_EMAIL: 'alice@example.com',
          GIT_COMMITTER_NAME: 'alice',
          GIT_COMMITTER_EMAIL: 'alice@example.com',
        },
      });

    const pushAndClone = async (home: string, command: string, at: string): Promise<void> => {
      const [work, bare] = [`${home}/work`, `${home}/repo.git`];
      await git(home, command, 'init', '-q', '--bare', bare);
      await git(home, command, 'init', '-q', work);
      writeFileSync(`${work}/bytes`, bytes);
      await git(work, command, 'add', '.');
      await git(work, command, 'commit', '-q', '-m', 'the first');
      await git(work, command, 'push', '-q', `${at}:${bare}`, 'main');
      await git(home, command, 'clone', '-q', '-b', 'main', `${at}:${bare}`, 'again');
      same(`${home}/again/bytes`);
      await git(work, command, 'commit', '-q', '--allow-empty', '-m', 'the second');
      await git(work, command, 'push', '-q', `${at}:${bare}`, 'main');
      await git(`${home}/again`, command, 'pull', '-q');
      const log = await git(`${home}/again`, command, 'log', '--format=%s');
      expect(log.stdout.toString()).toBe('the second\nthe first\n');
    };

    test('pushes, clones and pulls at USER+MACHINE@bastion:repo.git', async () => {
      await pushAndClone(place('git'), openssh(), `alice+web1@${stage.bastion.ssh.host}`);
      expect(await stage.bastion.lastEnded()).toMatchObject({ kind: 'exec', exit_status: 0 });
    });

    test('pushes, clones and pulls through -J', async () => {
      const command = `${the('ssh')} -F ${jump.config} -J ${jump.via('alice')}`;
      await pushAndClone(place('git-jump'), command, `${stage.sshd.login}@web1`);
    });
  });

  needs('sshfs', 'fusermount3', '/dev/fuse').describe('sshfs', () => {
    test.each([
      ['at USER+MACHINE@bastion', false],
      ['through -J', true],
    ])('mounts, writes, reads, renames and unmounts %s', async (_how, jumps) => {
      const [there, mount] = [place(`fs-${jumps}`), place(`mnt-${jumps}`)];
      const at = jumps
        ? `${stage.sshd.login}@web1:${there}`
        : `alice+web1@${stage.bastion.ssh.host}:${there}`;
      const over = jumps ? `${the('ssh')} -F ${jump.config} -J ${jump.via('alice')}` : openssh();
      const child = spawn(the('sshfs'), ['-f', '-o', `ssh_command=${over}`, at, mount], {
        env: plainEnvironment(),
        stdio: 'ignore',
      });
      const gone = new Promise((resolve) => child.once('exit', resolve));
      try {
        writeFileSync(`${there}/seen`, 'mounted');
        await eventually('it is mounted', async () => {
          // With a deadline: looking at a mount waits for its server.
          const { status } = await run('test', ['-e', `${mount}/seen`]);
          return status === 0;
        });
        await must('cp', [stage.alice.path('bytes'), `${mount}/one`]);
        await must('mkdir', [`${mount}/deep`]);
        await must('mv', [`${mount}/one`, `${mount}/deep/two`]);
        same(`${there}/deep/two`);
        await must('cp', [`${mount}/deep/two`, stage.alice.path('from-fs')]);
        same(stage.alice.path('from-fs'));
        await must('rm', [`${mount}/deep/two`]);
        expect(readdirSync(`${there}/deep`)).toEqual([]);
        await must(the('fusermount3'), ['-u', mount]);
      } finally {
        if (child.exitCode === null) await run(the('fusermount3'), ['-u', '-z', mount]);
        await within('sshfs ends', gone);
      }
    });
  });

  needs('lftp').describe('lftp', () => {
    test('mirrors a tree both ways over sftp', async () => {
      const [tree, there, back] = [place('tree'), place('lftp'), stage.alice.path('lftp-back')];
      mkdirSync(`${tree}/deep/er`, { recursive: true });
      for (const name of ['one', 'two words', 'gr\u00fc\u00df']) {
        writeFileSync(`${tree}/deep/er/${name}`, randomBytes(100_000));
      }
      writeFileSync(`${tree}/bytes`, bytes);
      const script = [
        'set net:max-retries 1',
        `set sftp:connect-program "${openssh('-a', '-x')}"`,
        `open -u alice+web1, sftp://${stage.bastion.ssh.host}:${stage.bastion.ssh.port}`,
        `mirror -R "${tree}" "${there}/tree"`,
        `mirror --parallel=3 "${there}/tree" "${back}"`,
      ];
      await must(the('lftp'), ['-c', script.join('; ')], {
        env: { LFTP_HOME: place('lftp-home') },
      });
      await must('diff', ['-r', tree, back]);
      same(`${back}/bytes`);
    });
  });

  needs('curl').describe('curl', () => {
    test('sends, fetches and lists over sftp', async () => {
      const { alice, bastion } = stage;
      const there = place('curl');
      const url = `sftp://${bastion.ssh.host}:${bastion.ssh.port}${there}/`;
      const hostKey = (await fingerprintOf(bastion)).replace('SHA256:', '');
      const curl = (...args: readonly string[]): Promise<Finished> =>
        must(the('curl'), [
          ...['-sS', '--hostpubsha256', hostKey, '--user', 'alice+web1:'],
          ...['--key', alice.identity, '--pubkey', `${alice.identity}.pub`, ...args],
        ]);
      await curl('-T', alice.path('bytes'), `${url}one`);
      same(`${there}/one`);
      await curl('-o', alice.path('from-curl'), `${url}one`);
      same(alice.path('from-curl'));
      expect((await curl('--list-only', url)).stdout.toString()).toMatch(/^one$/m);
    });
  });

  needs('puttygen', 'psftp', 'pscp').describe('PuTTY', () => {
    test('psftp puts, lists, renames and gets', async () => {
      const { alice } = stage;
      const putty = await Putty.of(alice, stage.bastion);
      const there = place('psftp');
      const batch = [
        `put ${alice.path('bytes')} ${there}/one`,
        `mv ${there}/one ${there}/two`,
        `ls ${there}`,
        `get ${there}/two ${alice.path('from-psftp')}`,
      ];
      writeFileSync(alice.path('psftp-batch'), `${batch.join('\n')}\n`);
      const done = await putty.run('psftp', 'alice+web1', ['-b', alice.path('psftp-batch')]);
      expect(done, done.stderr).toMatchObject({ status: 0 });
      expect(done.stdout.toString()).toMatch(/\stwo\r?$/m);
      same(alice.path('from-psftp'));
    });

    test.each(['-sftp', '-scp'] as const)('pscp %s copies both ways', async (protocol) => {
      const { alice } = stage;
      const putty = await Putty.of(alice, stage.bastion);
      const [there, back] = [`${place('pscp')}/${protocol}`, alice.path(`pscp${protocol}`)];
      const up = await putty.copy('alice+web1', protocol, alice.path('bytes'), `:${there}`);
      expect(up, up.stderr).toMatchObject({ status: 0 });
      expect(await putty.copy('alice+web1', protocol, `:${there}`, back)).toMatchObject({
        status: 0,
      });
      same(there);
      same(back);
    });
  });
});
