import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { plainEnvironment } from './environment.ts';
import { the } from './requirements.ts';
import { type Finished, type RunOptions, run } from './run.ts';
import { Screen } from './screen.ts';
import type { SshClient, SshServerAddress } from './ssh-client.ts';

/**
 * Somebody who reaches machines with `ssh -J`, by a configuration file (the command of the jump
 * takes nothing else from the command line). Host keys of machines must be in what Postern publishes.
 */
export class JumpClient {
  readonly #client: SshClient;
  readonly #bastion: SshServerAddress;

  /** `known`: the lines that Postern publishes. */
  constructor(client: SshClient, bastion: SshServerAddress, known: string) {
    this.#client = client;
    this.#bastion = bastion;
    writeFileSync(client.path('published'), known);
    const shared = [
      'BatchMode yes',
      'IdentitiesOnly yes',
      `IdentityFile ${client.identity}`,
      'IdentityAgent none',
      'GlobalKnownHostsFile /dev/null',
      'LogLevel ERROR',
      'ConnectTimeout 15',
    ];
    const lines = [
      `Host ${bastion.host}`,
      'StrictHostKeyChecking accept-new',
      `UserKnownHostsFile ${client.path('bastion_known_hosts')}`,
      'Host *',
      'StrictHostKeyChecking yes',
      `UserKnownHostsFile ${client.path('published')}`,
      ...shared,
    ];
    writeFileSync(this.config, `${lines.join('\n')}\n`);
  }

  get config(): string {
    return this.#client.path('jump_config');
  }

  /** `alice@127.0.0.1:2222`, as after `-J`. */
  via(user: string): string {
    return `${user}@${this.#bastion.host}:${this.#bastion.port}`;
  }

  args(user: string, ...more: readonly string[]): string[] {
    return ['-F', this.config, '-J', this.via(user), ...more];
  }

  /** `ssh -J USER@bastion MORE`, to its end. */
  ssh(user: string, more: readonly string[], options: RunOptions = {}): Promise<Finished> {
    return run(the('ssh'), this.args(user, ...more), options);
  }

  spawn(user: string, ...more: readonly string[]): ChildProcess {
    return spawn(the('ssh'), this.args(user, ...more), {
      env: plainEnvironment(),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  terminal(user: string, ...more: readonly string[]): Screen {
    return new Screen(the('ssh'), this.args(user, '-tt', ...more), {});
  }
}
