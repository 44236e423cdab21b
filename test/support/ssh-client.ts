import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { plainEnvironment } from './environment.ts';
import { the } from './requirements.ts';
import { type Finished, type RunOptions, run } from './run.ts';
import { type Scratch, scratch } from './scratch.ts';
import { Screen } from './screen.ts';
import { makeKey } from './sshd.ts';

export interface SshServerAddress {
  readonly host: string;
  readonly port: number;
}

/** OpenSSH's programs as one person uses them, with nothing of the tester's own configuration. */
export class SshClient implements Disposable {
  readonly #files: Scratch;
  readonly #server: () => SshServerAddress;
  /** One line of `authorized_keys`. */
  readonly publicKey: string;

  constructor(files: Scratch, publicKey: string, server: () => SshServerAddress) {
    this.#files = files;
    this.publicKey = publicKey;
    this.#server = server;
  }

  get identity(): string {
    return this.#files.join('id');
  }

  /** Uses this key pair (FILE and FILE.pub) from now on. */
  adopt(keyFile: string): void {
    copyFileSync(keyFile, this.identity);
    copyFileSync(`${keyFile}.pub`, `${this.identity}.pub`);
  }

  path(name: string): string {
    return this.#files.join(name);
  }

  /** Options that ssh, scp and sftp share; `more` comes first, since the first value counts. */
  options(more: readonly string[] = []): string[] {
    const options = [
      'BatchMode=yes',
      'IdentitiesOnly=yes',
      `IdentityFile=${this.identity}`,
      'IdentityAgent=none',
      `UserKnownHostsFile=${this.#files.join('known_hosts')}`,
      'GlobalKnownHostsFile=/dev/null',
      'StrictHostKeyChecking=accept-new',
      'LogLevel=ERROR',
      'ConnectTimeout=15',
    ];
    return ['-F', 'none', ...more, ...options.flatMap((option) => ['-o', option])];
  }

  /** The arguments of `ssh` for this user name and command. */
  args(user: string, command: readonly string[], more: readonly string[] = []): string[] {
    const { host, port } = this.#server();
    return [...this.options(more), '-p', String(port), '-l', user, host, ...command];
  }

  /** `ssh USER@bastion COMMAND`, to its end. */
  async ssh(
    user: string,
    command: string | null,
    options: RunOptions & { readonly more?: readonly string[] } = {},
  ): Promise<Finished> {
    const args = this.args(user, command === null ? [] : ['--', command], options.more);
    return await run(the('ssh'), args, options);
  }

  /** The same, still running; its owner ends it. */
  spawn(
    user: string,
    command: string | null,
    more: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): ChildProcess {
    const args = this.args(user, command === null ? [] : ['--', command], more);
    return spawn(the('ssh'), args, { env: plainEnvironment(env), stdio: ['pipe', 'pipe', 'pipe'] });
  }

  /** `ssh -tt` under a terminal. */
  terminal(
    user: string,
    command: string | null = null,
    options: {
      readonly cols?: number;
      readonly rows?: number;
      readonly more?: readonly string[];
      readonly env?: Readonly<Record<string, string>>;
    } = {},
  ): Screen {
    const more = ['-tt', ...(options.more ?? [])];
    const args = this.args(user, command === null ? [] : ['--', command], more);
    return new Screen(the('ssh'), args, options);
  }

  /** `from` and `to` with `:` in front are on the machine. */
  async scp(
    user: string,
    from: string,
    to: string,
    more: readonly string[] = [],
  ): Promise<Finished> {
    const { host, port } = this.#server();
    const at = (path: string): string => (path.startsWith(':') ? `${user}@${host}${path}` : path);
    const args = [...this.options(more), '-q', '-P', String(port), at(from), at(to)];
    return await run(the('scp'), args, { deadlineMs: 60_000 });
  }

  /** Runs a batch of sftp commands. */
  async sftp(
    user: string,
    batch: readonly string[],
    more: readonly string[] = [],
  ): Promise<Finished> {
    const { host, port } = this.#server();
    const file = this.#files.join('batch');
    writeFileSync(file, `${batch.join('\n')}\n`);
    const args = [...this.options(more), '-q', '-P', String(port), '-b', file, `${user}@${host}`];
    return await run(the('sftp'), args, { deadlineMs: 60_000 });
  }

  async rsync(
    user: string,
    from: string,
    to: string,
    more: readonly string[] = [],
  ): Promise<Finished> {
    const { host, port } = this.#server();
    const shell = [the('ssh'), ...this.options(more), '-p', String(port), '-l', user].join(' ');
    const at = (path: string): string => (path.startsWith(':') ? host + path : path);
    return await run(the('rsync'), ['-a', '-e', shell, at(from), at(to)], { deadlineMs: 60_000 });
  }

  /** With a password instead of a key, typed by SSH_ASKPASS. */
  async withPassword(user: string, password: string, command: string): Promise<Finished> {
    return await this.ssh(user, command, this.#typing(password));
  }

  /** The same, still running; its owner ends it. */
  spawnWithPassword(user: string, password: string, command: string): ChildProcess {
    const { more, env } = this.#typing(password);
    return spawn(the('ssh'), this.args(user, ['--', command], more), {
      env: plainEnvironment(env),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  #typing(password: string): { more: string[]; env: Record<string, string> } {
    const askpass = this.#files.join('askpass');
    writeFileSync(askpass, `#!/bin/sh\nprintf '%s\\n' "$TEST_PASSWORD"\n`);
    chmodSync(askpass, 0o700);
    const more = ['BatchMode=no', 'PreferredAuthentications=password', 'NumberOfPasswordPrompts=1'];
    return {
      more: more.flatMap((option) => ['-o', option]),
      env: { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force', TEST_PASSWORD: password },
    };
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
  }
}

/** Someone with a new Ed25519 key; `keyOptions` as for ssh-keygen. */
export async function newClient(
  server: () => SshServerAddress,
  ...keyOptions: readonly string[]
): Promise<SshClient> {
  const files = scratch();
  await makeKey(files.join('id'), ...keyOptions);
  const publicKey = readFileSync(files.join('id.pub'), 'utf8').trim();
  return new SshClient(files, publicKey, server);
}
