import { writeFileSync } from 'node:fs';
import { type Bastion, type BastionOptions, startBastion } from './bastion.ts';
import { newClient, type SshClient, type SshServerAddress } from './ssh-client.ts';
import { startSshd, type TestSshd } from './sshd.ts';

export const PASSWORD = 'correct horse battery staple';

/**
 * What most end-to-end files stand on: one machine behind a bastion, reachable under several names
 * that differ in what is allowed, and people who differ in what they may.
 */
export interface Stage extends AsyncDisposable {
  readonly sshd: TestSshd;
  readonly bastion: Bastion;
  /** May do everything on `web1`, only shell on `shell1`, only exec on `exec1`. */
  readonly alice: SshClient;
  /** Has an account, and no grant. */
  readonly bob: SshClient;
  /** Nobody whom the bastion knows. */
  readonly stranger: SshClient;
  /** Straight to the machine, without a bastion: what is the same through it is right. */
  readonly direct: SshClient;
}

function machine(name: string, sshd: TestSshd, recording: string): string {
  return `
  - name: ${name}
    kind: ssh
    host: ${sshd.host}
    port: ${sshd.port}
    login: ${sshd.login}
    auth: { key: { file: ${JSON.stringify(sshd.keyFile)} } }
    recording: ${recording}`;
}

function setup(sshd: TestSshd, alice: SshClient, bob: SshClient): string {
  const password = alice.path('password');
  writeFileSync(password, `${PASSWORD}\n`, { mode: 0o600 });
  return `
users:
  - name: alice
    email: alice@example.com
    role: member
    keys: [${JSON.stringify(alice.publicKey)}]
    password: { file: ${JSON.stringify(password)} }
  - name: bob
    role: member
    keys: [${JSON.stringify(bob.publicKey)}]
machines:${machine('web1', sshd, 'required')}${machine('shell1', sshd, 'required')}${machine('exec1', sshd, 'off')}
grants:
  - to: { user: alice }
    on: { machine: web1 }
    allow: [shell, exec, sftp]
  - to: { user: alice }
    on: { machine: shell1 }
    allow: [shell]
  - to: { user: alice }
    on: { machine: exec1 }
    allow: [exec]
`;
}

/** Ends what was opened, the last first, all of it; then rejects with the first that did not end. */
async function closeAll(closers: readonly (() => unknown)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closers.toReversed()) {
    try {
      await close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

export async function openStage(options: BastionOptions = {}): Promise<Stage> {
  const closers: (() => unknown)[] = [];
  const close = (): Promise<void> => closeAll(closers);
  const client = async (server: () => SshServerAddress): Promise<SshClient> => {
    const made = await newClient(server);
    closers.push(() => made[Symbol.dispose]());
    return made;
  };
  try {
    const sshd = await startSshd();
    closers.push(() => sshd[Symbol.asyncDispose]());
    const bastion = await startBastion(options);
    closers.push(() => bastion[Symbol.asyncDispose]());
    const alice = await client(() => bastion.ssh);
    const bob = await client(() => bastion.ssh);
    const stranger = await client(() => bastion.ssh);
    const direct = await client(() => sshd);
    direct.adopt(sshd.keyFile);
    await bastion.apply(setup(sshd, alice, bob));
    return { sshd, bastion, alice, bob, stranger, direct, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}
