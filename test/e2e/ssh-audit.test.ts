import { expect, test } from 'vitest';
import { type Bastion, startBastion } from '../support/bastion.ts';
import { needs, the } from '../support/requirements.ts';
import { run } from '../support/run.ts';

/** Debian 12's ssh-audit is older than these names. */
const TOO_YOUNG = [
  '(kex) kex-strict-s-v00@openssh.com [warn] unknown algorithm',
  '(kex) mlkem768x25519-sha256 [warn] unknown algorithm',
];
/** What the client matrix cannot do without (docs/clients.md). */
const FOR_MODERN = ['(mac) hmac-sha2-256 [warn] using encrypt-and-MAC mode'];
const FOR_OLD = [
  '(kex) ecdh-sha2-nistp256 [fail] using weak elliptic curves',
  '(kex) ecdh-sha2-nistp384 [fail] using weak elliptic curves',
  '(mac) hmac-sha2-512 [warn] using encrypt-and-MAC mode',
];

needs('ssh-audit').describe('ssh-audit', () => {
  test.each([
    ['strict', []],
    ['modern', FOR_MODERN],
    ['old', [...FOR_MODERN, ...FOR_OLD]],
  ])(
    'finds with POSTERN_SSH_CLIENTS=%s just what the documentation says',
    async (clients, rest) => {
      await using bastion: Bastion = await startBastion({
        settings: { POSTERN_SSH_CLIENTS: clients },
      });
      const { host, port } = bastion.ssh;
      // Levels of a line stand in a column, under the name of what they are about.
      const { stdout } = await run(the('ssh-audit'), ['-n', '-p', String(port), host]);
      let about = '';
      const found = stdout
        .toString()
        .split('\n')
        .flatMap((line) => {
          const [, name] = /^(\((?:kex|key|enc|mac)\) \S+)/.exec(line) ?? [];
          about = name ?? about;
          const [, level, text] = /(?:--|`-) \[(fail|warn)\] (.*)$/.exec(line) ?? [];
          return level === undefined ? [] : [`${about} [${level}] ${text}`];
        });
      expect(found.sort()).toEqual([...TOO_YOUNG, ...rest].sort());
      expect(stdout.toString()).toContain('(key) ssh-ed25519');
    },
  );
});
