import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ContainerChoice } from '../../src/domain/container-place.ts';
import type { EnteredContainer } from '../../src/domain/entered-container.ts';
import type { Upstream } from '../../src/domain/upstream.ts';
import { machineAlgorithms } from '../../src/ssh/algorithms.ts';
import { SshTargets } from '../../src/targets/ssh-target.ts';
import { listeningLog } from '../recorder/lab.ts';
import { startDocker, type TestDocker } from '../support/docker.ts';
import { eventually, within } from '../support/eventually.ts';
import { APP } from '../support/image-root.ts';
import { needs } from '../support/requirements.ts';
import { must } from '../support/run.ts';
import { startSshd, type TestSshd } from '../support/sshd.ts';
import { answersSftp } from './answers-sftp.ts';
import { keepsOut } from './closed-containers.ts';
import { conforms } from './conformance.ts';
import { CONTAINER_MANNERS, type EnterOptions, enter, subjectIn } from './container-subject.ts';
import { endsItsOwnAlone } from './host-processes.ts';
import { leavesNothing, newEnder, waitsForPaused } from './left-in-containers.ts';
import { marksEverything } from './marks-in-containers.ts';
import { routeTo } from './route.ts';

const ALGORITHMS = machineAlgorithms({ ciphers: ['aes128-gcm@openssh.com'], failed: [] });
const signal = new AbortController().signal;

needs('sshd').describe('an OpenSSH machine', () => {
  let sshd: TestSshd;
  beforeAll(async () => {
    sshd = await startSshd({ more: ['MaxSessions 50'] });
  });
  afterAll(async () => {
    await sshd?.[Symbol.asyncDispose]();
  });

  const connect = (): Promise<Upstream> => {
    const control = { checkHostKey: () => Promise.resolve({ outcome: 'trusted' as const }) };
    const targets = new SshTargets({ control, algorithms: ALGORITHMS, log: listeningLog() });
    const privateKey = readFileSync(sshd.keyFile, 'utf8');
    const credential = { type: 'publickey' as const, privateKey };
    return targets.connect(routeTo(sshd), { sessionId: 1, credential, hops: [] }, signal);
  };
  const runs = async (word: string): Promise<boolean> =>
    (await must('ps', ['-eo', 'args'])).stdout
      .toString()
      .split('\n')
      .some((line) => /^(?:sleep|yes) /.test(line) && line.includes(word));

  test('input that comes with its end, once the program has ended, is dropped', async () => {
    const upstream = await connect();
    const channel = await upstream.open({
      program: { type: 'exec', command: 'exit 2' },
      ...{ pty: null, env: [] },
    });
    await eventually('the machine takes no input', () => !channel.stdin.writable);
    channel.stdin.end('late');
    channel.stdout.resume();
    channel.stderr.resume();
    expect(await within('the exit', channel.exited)).toEqual({ type: 'code', code: 2 });
    upstream.close();
    await within('the end', upstream.closed);
  });

  conforms(() => ({ connect, runs }), {
    killed: (name) => ({ type: 'signal', signal: name }),
    signals: process.getuid?.() !== 0,
  });
});

needs('dockerd', 'docker', 'runc', 'busybox', 'sftp-server', 'dpkg-query', 'rsync').describe(
  'a container',
  () => {
    let docker: TestDocker;
    const entered: EnteredContainer[] = [];
    beforeAll(async () => {
      docker = await startDocker();
      await docker.run('small', { image: 'busybox' });
      await docker.run('large', { image: 'debian' });
    }, 120_000);
    afterAll(async () => {
      await docker?.[Symbol.asyncDispose]();
    });

    const connect = (choice: ContainerChoice, options: EnterOptions = {}): Promise<Upstream> =>
      enter(docker, choice, { ...options, onEntered: (one) => entered.push(one) });
    const subject = (name: string, login: string) => () => ({
      ...subjectIn(docker, name, login),
      connect: () => connect({ name }, { login }),
    });

    needs('busybox').describe('of busybox, as root', () => {
      conforms(subject('small', 'root'), CONTAINER_MANNERS);
    });
    needs('bash').describe('with bash, as somebody', () => {
      conforms(subject('large', APP.name), CONTAINER_MANNERS);
    });

    async function output(upstream: Upstream, command: string): Promise<string> {
      const channel = await upstream.open({
        program: { type: 'exec', command },
        ...{ pty: null, env: [] },
      });
      let text = '';
      channel.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      channel.stderr.resume();
      channel.stdin.end();
      await within('the exit', channel.exited);
      return text;
    }

    test('is entered as the user that the login is', async () => {
      const upstream = await connect({ name: 'large' }, { login: APP.name });
      expect(await output(upstream, 'id -u; echo "$USER $LOGNAME $HOME"')).toBe(
        `${APP.id}\n${APP.name} ${APP.name} /tmp\n`,
      );
      const numbered = await connect({ name: 'large' }, { login: `${APP.id}` });
      expect(await output(numbered, 'id -u')).toBe(`${APP.id}\n`);
    });

    test('has the first shell that its image has', async () => {
      const shell = (upstream: Upstream) => output(upstream, 'echo "$SHELL"');
      expect(await shell(await connect({ name: 'large' }))).toMatch(/^(?:\/usr)?\/bin\/bash\n$/);
      expect(await shell(await connect({ name: 'small' }))).toBe('/bin/sh\n');
      const shells = ['fish', '/bin/ash'];
      expect(await shell(await connect({ name: 'small' }, { shell: shells }))).toBe('/bin/ash\n');
    });

    keepsOut(() => docker);

    test("is entered in its own working directory, with its image's variables under those of the login", async () => {
      const more = ['--workdir', '/srv/here', '--env', 'WHICH=one', '--env', 'USER=nobody'];
      await docker.run('placed', { image: 'busybox', more });
      const said = 'pwd; echo "$WHICH $USER"; echo "$PATH" | tr : "\\n" | grep -cx /usr/bin';
      const upstream = await connect({ name: 'placed' });
      expect(await output(upstream, said)).toBe('/srv/here\none root\n1\n');
      await docker.cli('exec', '--workdir', '/', 'placed', 'rmdir', '/srv/here');
      const program = { type: 'exec', command: 'pwd' } as const;
      await expect(upstream.open({ program, pty: null, env: [] })).rejects.toThrow(
        'no such file or directory',
      );
      upstream.close();
    });

    test('that is not there, or does not run, is not reached', async () => {
      await docker.run('gone', { image: 'busybox' });
      await docker.cli('kill', 'gone');
      const failure = { code: 'machine.unreachable' };
      await expect(connect({ name: 'nothing' })).rejects.toMatchObject(failure);
      await expect(connect({ name: 'nothing' })).rejects.toThrow('there is no container nothing');
      await expect(connect({ name: 'gone' })).rejects.toThrow('exited is the container gone');
    });

    test('of a service is the newest that runs', async () => {
      const labels = {
        'com.docker.compose.project': 'shop',
        'com.docker.compose.service': 'queue',
      };
      await docker.run('queue-1', { image: 'busybox', labels });
      await docker.run('queue-2', { image: 'busybox', labels, more: ['--env', 'WHO=two'] });
      const queue = { stack: 'shop', service: 'queue' };
      // An engine dates them by the second: of two of one second the first by name is taken.
      const [one, two] = [
        await docker.cli('inspect', '-f', '{{.Created}}', 'queue-1'),
        await docker.cli('inspect', '-f', '{{.Created}}', 'queue-2'),
      ];
      const newest = one.slice(0, 19) < two.slice(0, 19) ? 'two' : '';
      expect((await output(await connect(queue), 'echo "$WHO"')).trim()).toBe(newest);
      await docker.cli('kill', 'queue-1');
      expect((await output(await connect(queue), 'echo "$WHO"')).trim()).toBe('two');
      await docker.cli('kill', 'queue-2');
      await expect(connect(queue)).rejects.toThrow('there is no container shop/queue');
    });

    test('that stops takes its sessions along, and they know why', async () => {
      await docker.run('brief', { image: 'busybox' });
      const upstream = await connect({ name: 'brief' });
      const channel = await upstream.open({
        program: { type: 'exec', command: 'sleep 1000' },
        ...{ pty: null, env: [] },
      });
      channel.stdout.resume();
      channel.stderr.resume();
      await docker.cli('restart', '--time', '0', 'brief');
      expect(await within('the exit', channel.exited)).toBeNull();
      expect(await within('the end', upstream.closed)).toBe('stopped');
      await expect(
        upstream.open({ program: { type: 'shell' }, pty: null, env: [] }),
      ).resolves.toBeDefined();
    });

    test('that has no room for another program goes on with those that it has', async () => {
      await docker.run('cramped', { image: 'busybox' });
      const upstream = await connect({ name: 'cramped' });
      const open = (command: string) =>
        upstream.open({ program: { type: 'exec', command }, pty: null, env: [] });
      const [killed, other] = [await open('exec sleep 9970001'), await open('exec cat')];
      for (const { stdout, stderr } of [killed, other]) {
        stdout.resume();
        stderr.resume();
      }
      const busybox = (...args: readonly string[]) =>
        docker.cli('exec', 'cramped', '/bin/busybox', ...args);
      await eventually('it runs', async () =>
        (await docker.processes('cramped')).includes('sleep 9970001'),
      );
      await busybox('rm', '/bin/sh');
      await busybox('killall', '-KILL', 'sleep');
      expect(await within('the exit', killed.exited)).toEqual({ type: 'code', code: 137 });
      other.stdin.end();
      expect(await within('the other exit', other.exited)).toEqual({ type: 'code', code: 0 });
      upstream.close();
    });

    describe.each(['small', 'large'])('%s', (name) => {
      const where = { docker: () => docker, name, noted: () => entered.at(-1), end: newEnder() };
      leavesNothing(subject(name, 'root'), where);
      waitsForPaused(subject(name, 'root'), where);
    });

    describe('of a session', () => {
      marksEverything({
        docker: () => docker,
        enter: (name, hears) => enter(docker, { name }, hears),
        end: newEnder(),
      });
    });

    test.each(['small', 'large'])(
      '%s: what ignores a hang-up does not outlive it',
      async (name) => {
        const at = subject(name, 'root')();
        const upstream = await at.connect();
        const [leader, other] = ['9950001', '9950002'];
        const command = `(trap '' HUP; exec sleep ${other}) & exec sleep ${leader}`;
        const channel = await upstream.open({
          program: { type: 'exec', command },
          ...{ pty: null, env: [] },
        });
        channel.stdout.resume();
        channel.stderr.resume();
        await eventually('both run', async () => (await at.runs(leader)) && (await at.runs(other)));
        channel.close();
        await within('the channel ends', channel.exited);
        await eventually(
          'both are gone',
          async () => !(await at.runs(leader)) && !(await at.runs(other)),
        );
        upstream.close();
      },
    );

    describe.each(['small', 'large'] as const)(
      'that sees the processes of its host, as %s',
      (kind) => {
        endsItsOwnAlone(() => docker, kind);
      },
    );

    test.each([
      ["with its image's own server", 'large'],
      ['without one', 'small'],
    ])('serves files %s', async (_how, name) => {
      await answersSftp(await connect({ name }));
    });

    test('that stops ends those who have its files', async () => {
      await docker.run('files', { image: 'busybox' });
      const upstream = await connect({ name: 'files' });
      const program = { type: 'subsystem', name: 'sftp' } as const;
      const channel = await upstream.open({ program, pty: null, env: [] });
      channel.stdout.resume();
      channel.stderr.resume();
      await docker.cli('kill', 'files');
      expect(await within('the exit', channel.exited)).toBeNull();
      expect(await within('the end', upstream.closed)).toBe('stopped');
    });
  },
);
