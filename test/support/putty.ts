import type { Bastion } from './bastion.ts';
import { fingerprintOf } from './fingerprint.ts';
import { type Part, the } from './requirements.ts';
import { type Finished, must, type RunOptions, run } from './run.ts';
import type { SshClient } from './ssh-client.ts';

/** PuTTY's programs with somebody's key, in its own format, and the bastion's host key pinned. */
export class Putty {
  readonly #shared: readonly string[];
  readonly #host: string;

  private constructor(host: string, shared: readonly string[]) {
    this.#host = host;
    this.#shared = shared;
  }

  static async of(client: SshClient, bastion: Bastion): Promise<Putty> {
    const key = client.path('id.ppk');
    await must(the('puttygen'), [client.identity, '-O', 'private', '-o', key]);
    const port = String(bastion.ssh.port);
    const shared = ['-batch', '-P', port, '-i', key, '-hostkey', await fingerprintOf(bastion)];
    return new Putty(bastion.ssh.host, shared);
  }

  /** `plink USER@bastion MORE`, or `psftp`. */
  run(
    part: Part & ('plink' | 'psftp'),
    user: string,
    more: readonly string[],
    options: RunOptions = {},
  ): Promise<Finished> {
    const [before, after] = part === 'plink' ? [[], more] : [more, []];
    const at = `${user}@${this.#host}`;
    return run(the(part), [...this.#shared, ...before, at, ...after], options);
  }

  /** `from` and `to` with `:` in front are on the machine; `-sftp` or `-scp` chooses the protocol. */
  copy(user: string, protocol: '-sftp' | '-scp', from: string, to: string): Promise<Finished> {
    const at = (path: string): string =>
      path.startsWith(':') ? `${user}@${this.#host}${path}` : path;
    return run(the('pscp'), [...this.#shared, '-q', protocol, at(from), at(to)]);
  }
}
