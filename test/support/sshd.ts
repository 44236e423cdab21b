import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { plainEnvironment } from './environment.ts';
import { descendants, kill } from './processes.ts';
import { the } from './requirements.ts';
import { must, run } from './run.ts';
import { type Scratch, scratch } from './scratch.ts';

/** A real OpenSSH server of one test file, for the account that runs the tests. */
export interface TestSshd extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly login: string;
  /** A file with the private key that it lets in. */
  readonly keyFile: string;
  /** `ssh-ed25519 AAAA…` */
  readonly hostKeyLine: string;
  /** What it has written to its log. */
  log(): string;
  /** Ends it with all sessions on it; idempotent. */
  stop(): Promise<void>;
  /** On the same port as before. */
  start(): Promise<void>;
  /** Stops it, and starts it with another host key. */
  swapHostKey(): Promise<void>;
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once('error', reject);
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    server.close(() => resolve(port));
  });
  return await promise;
}

export async function makeKey(file: string, ...options: readonly string[]): Promise<string> {
  const type = options.length === 0 ? ['-t', 'ed25519'] : options;
  await must(the('ssh-keygen'), ['-q', '-N', '', '-C', 'test', ...type, '-f', file]);
  return readFileSync(`${file}.pub`, 'utf8').trim();
}

/** sshd 9.8 and newer slow down an address that fails often, which is what tests do. */
async function penalties(): Promise<string[]> {
  const { stderr } = await run(the('ssh'), ['-V']);
  const [major = 0, minor = 0] = (/OpenSSH_(\d+)\.(\d+)/.exec(stderr) ?? []).slice(1).map(Number);
  return major > 9 || (major === 9 && minor >= 8) ? ['PerSourcePenalties no'] : [];
}

export interface SshdOptions {
  /** Public key lines whose user certificates it takes. */
  readonly trustedUserCas?: readonly string[];
  /** Whether the key of `keyFile` is let in; true if not given. */
  readonly authorized?: boolean;
  /** Of its host key and the one that it lets in, as for ssh-keygen; Ed25519 if not given. */
  readonly keyType?: readonly string[];
  /** More lines of its configuration. */
  readonly more?: readonly string[];
}

async function writeConfig(files: Scratch, port: number, options: SshdOptions): Promise<void> {
  const lines = [
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    `HostKey ${files.join('host_key')}`,
    'PidFile none',
    `AuthorizedKeysFile ${files.join('authorized_keys')}`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin yes',
    'Subsystem sftp internal-sftp',
    'AcceptEnv LANG LC_* POSTERN_*',
    'MaxStartups 200:30:400',
    'MaxSessions 100',
    'PrintMotd no',
    'PrintLastLog no',
    'UseDNS no',
    // The account's own start-up files do things of their own when many shells start at once.
    `SetEnv HOME=${files.join('home')}`,
    ...(await penalties()),
    ...(options.trustedUserCas ? [`TrustedUserCAKeys ${files.join('user_cas')}`] : []),
    ...(options.more ?? []),
  ];
  mkdirSync(files.join('home'), { recursive: true });
  writeFileSync(files.join('user_cas'), `${(options.trustedUserCas ?? []).join('\n')}\n`);
  writeFileSync(files.join('sshd_config'), `${lines.join('\n')}\n`);
}

/** Resolves when it listens; rejects with its log when it ends instead. */
function listening(child: ChildProcess, log: string[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.stderr?.on('data', (chunk: Buffer) => {
    log.push(chunk.toString());
    if (log.length > 2000) log.splice(0, 1000);
    if (log.join('').includes('Server listening on')) resolve();
  });
  child.once('error', reject);
  child.once('exit', () => reject(new Error(`sshd ended:\n${log.join('')}`)));
  return promise;
}

class Sshd implements TestSshd {
  readonly host = '127.0.0.1';
  readonly login = userInfo().username;
  port = 0;
  hostKeyLine = '';
  readonly #files = scratch();
  readonly #options: SshdOptions;
  #child: ChildProcess | null = null;
  #log: string[] = [];

  constructor(options: SshdOptions) {
    this.#options = options;
  }

  get keyFile(): string {
    return this.#files.join('client_key');
  }

  log(): string {
    return this.#log.join('');
  }

  async prepare(): Promise<void> {
    const type = this.#options.keyType ?? [];
    const key = await makeKey(this.keyFile, ...type);
    const authorized = this.#options.authorized === false ? '' : key;
    writeFileSync(this.#files.join('authorized_keys'), `${authorized}\n`);
    this.hostKeyLine = (await makeKey(this.#files.join('host_key'), ...type)).replace(/ test$/, '');
    if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
    for (let attempt = 1; ; attempt += 1) {
      this.port = await freePort();
      try {
        await this.start();
        return;
      } catch (error) {
        if (attempt === 5) throw error;
      }
    }
  }

  async start(): Promise<void> {
    if (this.#child !== null) return;
    await writeConfig(this.#files, this.port, this.#options);
    this.#log = [];
    // It goes when the test run is killed.
    const command = ['--pdeathsig', 'KILL', the('sshd'), '-D', '-e'];
    const child = spawn('setpriv', [...command, '-f', this.#files.join('sshd_config')], {
      env: plainEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await listening(child, this.#log);
    this.#child = child;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    const family = descendants(child.pid);
    child.kill('SIGKILL');
    for (const pid of family) kill(pid, 'SIGKILL');
    await gone;
  }

  async swapHostKey(): Promise<void> {
    await this.stop();
    const other = this.#files.join('other_key');
    this.hostKeyLine = (await makeKey(other)).replace(/ test$/, '');
    copyFileSync(other, this.#files.join('host_key'));
    copyFileSync(`${other}.pub`, this.#files.join('host_key.pub'));
    await this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#files[Symbol.dispose]();
  }
}

export async function startSshd(options: SshdOptions = {}): Promise<TestSshd> {
  const sshd = new Sshd(options);
  try {
    await sshd.prepare();
    return sshd;
  } catch (error) {
    await sshd[Symbol.asyncDispose]();
    throw error;
  }
}
