import { PosternError } from '../domain/errors.ts';
import type { RunningContainer } from '../domain/running-container.ts';
import type { Program } from '../domain/terminal.ts';
import type { UpstreamRequest } from '../domain/upstream.ts';
import { octal } from '../sftp/scripts.ts';

/** After the machine's own. */
const SHELLS = ['bash', 'sh'];

/** Where a shell that is no path is looked for. */
const DIRECTORIES = ['/bin', '/usr/bin', '/usr/local/bin'];

/** Where distributions keep OpenSSH's. */
const SFTP_SERVERS = [
  '/usr/lib/openssh/sftp-server',
  '/usr/lib/ssh/sftp-server',
  '/usr/libexec/openssh/sftp-server',
  '/usr/libexec/sftp-server',
  '/usr/lib/sftp-server',
];

/** What of a client's variables goes on: what sshd takes as Debian configures it. */
const TAKEN = /^(?:LANG|LC_[A-Za-z0-9_]{1,60}|COLORTERM|NO_COLOR)$/;

/** How long a shell may look for a program, in milliseconds. */
const FIND_MS = 10_000;

/** The programs of one container, as sshd would begin them. What was found is remembered. */
export class ContainerPrograms {
  readonly #container: RunningContainer;
  readonly #machine: string;
  readonly #shells: readonly string[];
  #shell: Promise<string> | null = null;
  #sftp: Promise<string | null> | null = null;

  constructor(about: {
    readonly container: RunningContainer;
    readonly machine: string;
    readonly shells: readonly string[];
  }) {
    this.#container = about.container;
    this.#machine = about.machine;
    this.#shells = [...about.shells, ...SHELLS];
  }

  /** Rejects with PosternError `machine.refused`, and `engine.*`. */
  shell(): Promise<string> {
    this.#shell ??= this.#findShell();
    return this.#shell;
  }

  /** One that understands POSIX's language, whatever the machine's own are. Rejects as `shell` does. */
  async plainShell(): Promise<string> {
    return (await this.#container.first(['/bin/sh'])) ?? (await this.shell());
  }

  /** The program and its arguments. Rejects as `shell` does. */
  async command(program: Program): Promise<readonly string[]> {
    if (program.type === 'subsystem') return [await this.#subsystem(program.name)];
    const shell = await this.shell();
    if (program.type === 'shell') return [shell];
    await this.#bringsWhatItNeeds(program.command, shell);
    if (program.bytes === undefined) return [shell, '-c', program.command];
    // What goes to an engine is JSON, which has no bytes.
    return [shell, '-c', `eval "$(printf '%b' "$1")"`, shell, octal(program.bytes)];
  }

  /** Its variables, beside the container's own. */
  async env({ env, pty, program }: UpstreamRequest): Promise<[name: string, value: string][]> {
    const { user } = this.#container;
    const taken = env.filter(([name]) => TAKEN.test(name));
    const shell = program.type === 'subsystem' ? null : await this.shell();
    return [
      ...taken.map(([name, value]): [string, string] => [name, value]),
      ...(user === null ? [] : [['USER', user] satisfies [string, string]]),
      ...(user === null ? [] : [['LOGNAME', user] satisfies [string, string]]),
      ...(shell === null ? [] : [['SHELL', shell] satisfies [string, string]]),
      ...(pty === null ? [] : [['TERM', pty.term] satisfies [string, string]]),
    ];
  }

  async #findShell(): Promise<string> {
    const paths = this.#shells.flatMap((shell) =>
      shell.startsWith('/') ? [shell] : DIRECTORIES.map((directory) => `${directory}/${shell}`),
    );
    const found = await this.#container.first(paths);
    if (found !== null) return found;
    throw this.#refused(`its image has no shell (${this.#shells.join(', ')})`);
  }

  /** The image's own; null: it has none. */
  sftpServer(): Promise<string | null> {
    this.#sftp ??= this.#container.first(SFTP_SERVERS);
    return this.#sftp;
  }

  async #subsystem(name: string): Promise<string> {
    if (name !== 'sftp') throw this.#refused(`there is no subsystem ${name}`);
    return (
      (await this.sftpServer()) ?? Promise.reject(this.#refused('its image has no sftp-server'))
    );
  }

  /** The client's half of these would say of its other half only that it went away. */
  async #bringsWhatItNeeds(command: string, shell: string): Promise<void> {
    const [, name] = /^(rsync|scp) /.exec(command) ?? [];
    if (name === undefined) return;
    const usual = DIRECTORIES.map((directory) => `${directory}/${name}`);
    if ((await this.#container.first(usual)) !== null || (await this.#finds(name, shell))) return;
    const instead = name === 'scp' ? 'scp without -O needs none' : 'sftp and scp need none';
    throw this.#refused(`its image has no ${name}; ${instead}`);
  }

  /** Whether a shell would find it where the container's `PATH` says. */
  async #finds(name: string, shell: string): Promise<boolean> {
    const command = [shell, '-c', `command -v ${name}`];
    const exec = await this.#container.exec({ command, env: [], terminal: null });
    exec.stdin.end();
    exec.stdout.resume();
    exec.stderr.resume();
    const timer = setTimeout(() => exec.close(), FIND_MS);
    const code = await exec.exited;
    clearTimeout(timer);
    return code === 0;
  }

  #refused(reason: string): PosternError {
    return new PosternError('machine.refused', { machine: this.#machine, reason });
  }
}
