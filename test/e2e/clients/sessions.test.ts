import type { ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Dropbear } from '../../support/dropbear.ts';
import { eventually, within } from '../../support/eventually.ts';
import { JumpClient } from '../../support/jump-client.ts';
import { kill, running } from '../../support/processes.ts';
import { Putty } from '../../support/putty.ts';
import { needs, the } from '../../support/requirements.ts';
import { run } from '../../support/run.ts';
import { openStage, type Stage } from '../../support/stage.ts';
import {
  echo,
  exchange,
  freePort,
  type Listening,
  Tunnel,
  throughSocks,
} from '../../support/tunnels.ts';

const MB = 1024 * 1024;

needs('ssh', 'sshd').describe('clients that run programs', () => {
  let stage: Stage;
  let said: Listening;
  beforeAll(async () => {
    [stage, said] = await Promise.all([openStage(), echo()]);
    await stage.bastion.apply(`
grants:
  - to: { user: alice }
    on: { machine: web1 }
    allow: [shell, exec, sftp, forward-local]
    forward_to: ["127.0.0.1:*"]
`);
  });
  afterAll(async () => {
    await said?.[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
  });

  test('ssh host yes | head -1 ends at once, here and there', async () => {
    const { alice } = stage;
    const ssh = [the('ssh'), ...alice.args('alice+web1', ['echo $$ >&2; exec yes'])];
    const quoted = ssh.map((word) => `'${word}'`).join(' ');
    const done = await run('sh', ['-c', `${quoted} | head -1`]);
    expect(done.stdout.toString()).toBe('y\n');
    const pid = Number(/^(\d+)$/m.exec(done.stderr)?.[1]);
    await eventually('yes has ended on the machine', () => !running(pid));
  });

  test('a ControlMaster carries ten programs at once, each its own bytes', async () => {
    const { alice } = stage;
    const mux = ['-S', alice.path('mux')];
    const master = alice.spawn('alice+web1', null, ['-M', ...mux, '-N', '-T']);
    const gone = new Promise((resolve) => master.once('exit', resolve));
    await eventually('the master listens', async () => {
      const check = await run(the('ssh'), alice.args('alice+web1', [], [...mux, '-O', 'check']));
      return check.status === 0;
    });
    const programs = Array.from({ length: 10 }, async (_, number) => {
      const input = randomBytes(MB);
      const done = await alice.ssh('alice+web1', `cat; exit ${number}`, { input, more: mux });
      expect(done.status).toBe(number);
      expect(done.stdout.equals(input)).toBe(true);
    });
    await Promise.all(programs);
    await run(the('ssh'), alice.args('alice+web1', [], [...mux, '-O', 'exit']));
    await within('the master ends', gone);
    const session = await stage.bastion.lastEnded();
    expect(session.channels).toHaveLength(10);
  });

  needs('python3').describe("VS Code Remote's way", () => {
    /** The shell whose stdin takes the script, with a SOCKS server beside it. */
    async function remoteShell(form: '+' | '-J', socks: number): Promise<ChildProcess> {
      const { alice, bastion, sshd } = stage;
      if (form === '+') return alice.spawn('alice+web1', 'bash -s', ['-T', '-D', String(socks)]);
      const known = await bastion.api('known-hosts?format=text');
      const jump = new JumpClient(alice, bastion.ssh, known.text);
      return jump.spawn('alice', '-T', '-D', String(socks), `${sshd.login}@web1`, 'bash -s');
    }

    test.each(['+', '-J'] as const)(
      'a script on the stdin of a shell starts a server, and -D and -L reach its port (%s)',
      async (form) => {
        const { alice } = stage;
        writeFileSync(alice.path('page'), 'from the machine');
        const socks = await freePort();
        const ssh = await remoteShell(form, socks);
        const gone = new Promise((resolve) => ssh.once('close', resolve));
        let output = '';
        ssh.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
        const server = `${the('python3')} -u -m http.server --bind 127.0.0.1 --directory`;
        ssh.stdin?.write(`echo "pid==$$=="\nexec ${server} '${alice.path('')}' 0 2>/dev/null\n`);
        try {
          const port = await eventually('its port', () => / port (\d+) /.exec(output)?.[1]);
          const ask = 'GET /page HTTP/1.0\r\n\r\n';
          const socket = await throughSocks(socks, '127.0.0.1', Number(port));
          if (socket === null) throw new Error('refused');
          let answer = '';
          socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
          const ended = new Promise((resolve) => socket.once('close', resolve));
          socket.write(ask);
          await within('the end of the answer', ended);
          expect(answer).toMatch(/^HTTP\/1\.0 200 /);
          expect(answer).toMatch(/\r\n\r\nfrom the machine$/);
          const local = alice.path(`code${form}.sock`);
          await using _ = await new Tunnel(alice, 'alice+web1', [
            '-L',
            `${local}:127.0.0.1:${port}`,
          ]).says(/Entering interactive session|pledge: /);
          const again = await exchange(local, Buffer.from(ask));
          expect(again.toString()).toMatch(/\r\n\r\nfrom the machine$/);
        } finally {
          // sshd leaves a program without a terminal running.
          const pid = /pid==(\d+)==/.exec(output)?.[1];
          if (pid !== undefined) kill(Number(pid), 'SIGKILL');
          else ssh.kill();
        }
        await within('the end of ssh', gone);
      },
    );
  });

  needs('mosh-server').describe('mosh', () => {
    test('mosh-server says its port and key through ssh', async () => {
      // As the mosh command starts it.
      const command = 'mosh-server new -c 256 -s -l LANG=C.UTF-8';
      await using screen = stage.alice.terminal('alice+web1', command);
      await screen.shows(/^MOSH CONNECT \d+ [\w+/]{22}$/m);
      await screen.shows(/detached, pid = (\d+)\]/);
      const pid = Number(/detached, pid = (\d+)\]/.exec(screen.text)?.[1]);
      kill(pid, 'SIGKILL');
      expect(await screen.exited()).toBe(0);
    });
  });

  needs('dbclient', 'dropbearconvert').describe('Dropbear', () => {
    test('runs a command with input, output and status', async () => {
      const dropbear = await Dropbear.of(stage.alice, stage.bastion.ssh);
      const input = randomBytes(MB);
      const done = await dropbear.run('alice+web1', ['sha256sum; exit 7'], { input });
      expect(done.status, done.stderr).toBe(7);
      const sha256 = createHash('sha256').update(input).digest('hex');
      expect(done.stdout.toString()).toContain(sha256);
    });

    test('connects to a place that the grant names', async () => {
      const dropbear = await Dropbear.of(stage.alice, stage.bastion.ssh);
      const done = await dropbear.run('alice+web1', ['-B', `127.0.0.1:${said.port}`], {
        input: 'said',
      });
      expect(done.stdout.toString(), done.stderr).toBe('said');
    });

    test('reaches a machine through the bastion with its own form of a jump', async () => {
      const { alice, bastion, sshd } = stage;
      const dropbear = await Dropbear.of(alice, bastion.ssh);
      const done = await dropbear.through('alice', `${sshd.login}@web1`, ['echo there; exit 5']);
      expect({ ...done, stdout: done.stdout.toString() }, done.stderr).toMatchObject({
        status: 5,
        stdout: 'there\n',
      });
    });
  });

  needs('plink', 'puttygen').describe('PuTTY', () => {
    test('plink runs a command with input, output and status', async () => {
      const putty = await Putty.of(stage.alice, stage.bastion);
      const input = randomBytes(MB);
      const done = await putty.run('plink', 'alice+web1', ['cat; exit 7'], { input });
      expect(done.status, done.stderr).toBe(7);
      expect(done.stdout.equals(input)).toBe(true);
    });

    test('plink has a terminal of the size that it says', async () => {
      const putty = await Putty.of(stage.alice, stage.bastion);
      const done = await putty.run('plink', 'alice+web1', ['-t', 'tty; stty size']);
      expect(done.stdout.toString(), done.stderr).toMatch(/^\/dev\/pts\/\d+\r\n24 80\r\n$/);
    });

    test('plink -nc connects to a place that the grant names', async () => {
      const putty = await Putty.of(stage.alice, stage.bastion);
      const more = ['-nc', `127.0.0.1:${said.port}`];
      const done = await putty.run('plink', 'alice+web1', more, { input: 'said' });
      expect(done.stdout.toString(), done.stderr).toBe('said');
    });
  });
});
