import { the } from './requirements.ts';
import { type Finished, must, type RunOptions, run } from './run.ts';
import type { SshClient, SshServerAddress } from './ssh-client.ts';

/** Dropbear's client with somebody's key. It keeps what it knows of hosts in HOME, which is its own. */
export class Dropbear {
  readonly #client: SshClient;
  readonly #server: SshServerAddress;
  readonly #key: string;

  private constructor(client: SshClient, server: SshServerAddress, key: string) {
    this.#client = client;
    this.#server = server;
    this.#key = key;
  }

  static async of(client: SshClient, server: SshServerAddress): Promise<Dropbear> {
    const key = client.path('id.dropbear');
    await must(the('dropbearconvert'), ['openssh', 'dropbear', client.identity, key]);
    return new Dropbear(client, server, key);
  }

  get #env(): Readonly<Record<string, string>> {
    return { HOME: this.#client.path('') };
  }

  /** `dbclient USER@bastion MORE`. */
  run(user: string, more: readonly string[], options: RunOptions = {}): Promise<Finished> {
    const { host, port } = this.#server;
    const args = ['-y', '-i', this.#key, '-p', String(port), `${user}@${host}`, ...more];
    return run(the('dbclient'), args, { ...options, env: this.#env });
  }

  /** `dbclient USER@bastion,TO MORE`: it starts itself once more, with `-B`, for the way there. */
  through(user: string, to: string, more: readonly string[]): Promise<Finished> {
    const { host, port } = this.#server;
    const way = `${user}@${host}/${port},${to}`;
    return run(the('dbclient'), ['-y', '-i', this.#key, way, ...more], { env: this.#env });
  }
}
