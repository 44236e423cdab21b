import { createHash, randomBytes } from 'node:crypto';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { needs, the } from '../../support/requirements.ts';
import { run } from '../../support/run.ts';
import type { SshClient } from '../../support/ssh-client.ts';
import { startSshd, type TestSshd } from '../../support/sshd.ts';
import { openStage, type Stage } from '../../support/stage.ts';
import { digest, echo, exchange, freePort, type Listening, Tunnel } from '../../support/tunnels.ts';

const MB = 1024 * 1024;
/** Bytes of each transfer, far more than keys serve for. */
const SIZE = 8 * MB;

interface Way {
  readonly machine: string;
  /** The client's own options. */
  readonly more: readonly string[];
}

/** On each leg, in one way Postern begins the re-keys, in the other its peer does. */
const WAYS: Readonly<Record<string, Way>> = {
  'Postern renews the keys of the client, the machine its own': { machine: 'eager', more: [] },
  'the client renews its keys, Postern those of the machine': {
    machine: 'patient',
    more: ['-o', 'RekeyLimit=1M'],
  },
};

/** Who began each key exchange after the first, by the debug lines of OpenSSH at one end. */
function begun(log: string): { readonly here: number; readonly there: number } {
  const [, ...exchanges] = [...log.matchAll(/SSH2_MSG_KEXINIT (sent|received)/g)]
    .map(([, what]) => what)
    .filter((_, index) => index % 2 === 0);
  const here = exchanges.filter((what) => what === 'sent').length;
  return { here, there: exchanges.length - here };
}

needs('ssh', 'sshd', 'scp', 'sftp', 'rsync').describe(
  'the same bytes, while keys are renewed',
  () => {
    let stage: Stage;
    const open: AsyncDisposable[] = [];
    const machines = new Map<string, TestSshd>();
    let said: Listening;
    let hashed: Listening;
    const bytes = randomBytes(SIZE);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    let file: string;
    beforeAll(async () => {
      stage = await openStage({ settings: { POSTERN_SSH_REKEY: '2M' } });
      const keep = ['LogLevel DEBUG1', 'ClientAliveInterval 1', 'ClientAliveCountMax 1'];
      machines.set('eager', await startSshd({ more: [...keep, 'RekeyLimit 1M'] }));
      machines.set('patient', await startSshd({ more: keep }));
      [said, hashed] = await Promise.all([echo(), digest()]);
      open.push(...machines.values(), said, hashed);
      const yaml = [...machines].map(
        ([name, sshd]) => `
  - name: ${name}
    kind: ssh
    host: ${sshd.host}
    port: ${sshd.port}
    login: ${sshd.login}
    auth: { key: { file: ${JSON.stringify(sshd.keyFile)} } }`,
      );
      const grants = [...machines.keys()].map(
        (name) => `
  - to: { user: alice }
    on: { machine: ${name} }
    allow: [exec, sftp, forward-local, forward-remote]
    forward_to: ["127.0.0.1:*"]`,
      );
      await stage.bastion.apply(`machines:${yaml.join('')}\ngrants:${grants.join('')}\n`);
      file = stage.alice.path('bytes');
      writeFileSync(file, bytes);
    });
    afterAll(async () => {
      for (const one of open) await one[Symbol.asyncDispose]();
      await stage?.[Symbol.asyncDispose]();
    });

    const same = (path: string): void =>
      expect(createHash('sha256').update(readFileSync(path)).digest('hex')).toBe(sha256);

    for (const [name, { machine, more }] of Object.entries(WAYS)) {
      const user = `alice+${machine}`;
      const alice = (): SshClient => stage.alice;
      const place = (file: string): string => alice().path(`${machine}-${file}`);

      test(`${name}: a command's input and output`, async () => {
        const debug = [...more, '-o', 'LogLevel=DEBUG1'];
        const sshd = machines.get(machine);
        const up = await alice().ssh(user, 'sha256sum', {
          input: openSync(file, 'r'),
          more: debug,
        });
        expect(up.stdout.toString().split(' ')[0]).toBe(sha256);
        const down = await alice().ssh(user, `cat '${file}'`, { hashOnly: true, more: debug });
        expect(down).toMatchObject({ status: 0, sha256 });
        // Keys serve for 1 MB or 2 MB; what counts is that there were several, and whose they were.
        const whose = (log: string, peer: boolean): number => begun(log)[peer ? 'here' : 'there'];
        for (const log of [up.stderr, down.stderr]) {
          expect(whose(log, machine === 'patient'), log).toBeGreaterThan(1);
        }
        expect(whose(sshd?.log() ?? '', machine === 'eager')).toBeGreaterThan(1);
      });

      test.each([
        ['scp over sftp', []],
        ['scp in its old protocol', ['-O']],
      ])(`${name}: %s`, async (_what, protocol) => {
        const [there, back] = [place(`there${protocol}`), place(`back${protocol}`)];
        const options = [...protocol, ...more];
        expect(await alice().scp(user, file, `:${there}`, options)).toMatchObject({ status: 0 });
        expect(await alice().scp(user, `:${there}`, back, options)).toMatchObject({ status: 0 });
        same(there);
        same(back);
      });

      test(`${name}: sftp`, async () => {
        const [there, back] = [place('sftp-there'), place('sftp-back')];
        const batch = [`put "${file}" "${there}"`, `get "${there}" "${back}"`];
        expect(await alice().sftp(user, batch, more)).toMatchObject({ status: 0 });
        same(there);
        same(back);
      });

      test(`${name}: rsync`, async () => {
        const [there, back] = [place('rsync-there'), place('rsync-back')];
        expect(await alice().rsync(user, file, `:${there}`, more)).toMatchObject({ status: 0 });
        expect(await alice().rsync(user, `:${there}`, back, more)).toMatchObject({ status: 0 });
        same(there);
        same(back);
      });

      test(`${name}: forwards from here and from there`, async () => {
        const [local, remote] = [await freePort(), await freePort()];
        await using _ = await new Tunnel(alice(), user, [
          ...more,
          ...['-L', `${local}:127.0.0.1:${said.port}`],
          ...['-R', `127.0.0.1:${remote}:127.0.0.1:${hashed.port}`],
        ]).says(/Entering interactive session|pledge: /);
        expect((await exchange(local, bytes)).equals(bytes)).toBe(true);
        expect((await exchange(remote, bytes)).toString()).toBe(sha256);
      });
    }

    test('questions for a sign of life are answered in both directions', async () => {
      const more = ['-o', 'ServerAliveInterval=1', '-o', 'ServerAliveCountMax=2'];
      const args = stage.alice.args('alice+patient', ['sleep 4.5; echo alive'], more);
      const done = await run(the('ssh'), args);
      expect({ status: done.status, said: done.stdout.toString() }).toEqual({
        status: 0,
        said: 'alive\n',
      });
    });
  },
);
