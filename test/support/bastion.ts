import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { inject } from 'vitest';
import { type ApiAnswer, callApi, dataOf } from './api-call.ts';
import { type Backend, freshBackend } from './backend.ts';
import { plainEnvironment } from './environment.ts';
import { eventually, within } from './eventually.ts';
import { descendants } from './processes.ts';
import { checkRecorded } from './recorded.ts';
import { type Finished, run } from './run.ts';
import { type Scratch, scratch } from './scratch.ts';
import { Screen } from './screen.ts';
import { useTemplate } from './template.ts';

const ROOT = resolve(import.meta.dirname, '../..');
export const MAIN = resolve(ROOT, 'src/main.ts');

/** A session as `/v1/sessions/:id` shows it, as far as tests look. */
export interface SessionView {
  readonly id: string;
  readonly status: string;
  readonly kind: string;
  readonly login: string;
  readonly end_reason: string | null;
  readonly exit_status: number | null;
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly bytes_in: number;
  readonly bytes_out: number;
  readonly user: { readonly name: string };
  readonly machine: { readonly name: string };
  readonly channels?: readonly { readonly kind: string; readonly exit_status: number | null }[];
  readonly recordings?: readonly { readonly state: string; readonly channel: number }[];
}

interface Ready {
  readonly ssh: { readonly host: string; readonly port: number };
  readonly http: { readonly url: string };
  readonly pid: number;
  readonly admin_token_file: string;
}

/**
 * Of Node's, as in vitest.config.ts: without it V8 making the embedded database faster is a third of what a
 * bastion's start costs (0.9 of 2.8 s of a processor).
 */
const SHORT_LIVED = '--liftoff-only';

/** What must never be logged, whatever a test does. */
const BUGS = /unhandled|uncaught|TypeError|ReferenceError|ERR_INTERNAL/i;

export interface BastionOptions {
  readonly settings?: Readonly<Record<string, string>>;
  /** After `serve`. */
  readonly args?: readonly string[];
}

/** A `postern serve` of one test file, as its own process, with everything that it stands on. */
export class Bastion implements AsyncDisposable {
  readonly #files: Scratch = scratch();
  readonly #backend: Backend;
  readonly #options: BastionOptions;
  #child: ChildProcess | null = null;
  #ready: Ready | null = null;
  #log = '';

  constructor(backend: Backend, options: BastionOptions) {
    this.#backend = backend;
    this.#options = options;
  }

  get #facts(): Ready {
    if (this.#ready === null) throw new Error('the bastion does not run');
    return this.#ready;
  }

  get ssh(): Ready['ssh'] {
    return this.#facts.ssh;
  }

  get url(): string {
    return this.#facts.http.url.replace(/\/$/, '');
  }

  get token(): string {
    return readFileSync(this.#facts.admin_token_file, 'utf8').trim();
  }

  get dataDir(): string {
    return this.#files.join('data');
  }

  get readyFile(): string {
    return this.#files.join('ready.json');
  }

  get pid(): number {
    return this.#facts.pid;
  }

  /** The process and all below it. */
  get family(): readonly number[] {
    return [this.pid, ...descendants(this.pid)];
  }

  /** Everything that it has printed, over all its lives. */
  get log(): string {
    return this.#log;
  }

  get settings(): Readonly<Record<string, string>> {
    return {
      POSTERN_DATA_DIR: this.dataDir,
      POSTERN_SSH_LISTEN: '127.0.0.1:0',
      POSTERN_HTTP_LISTEN: '127.0.0.1:0',
      POSTERN_READY_FILE: this.readyFile,
      POSTERN_LOG_FORMAT: 'json',
      // Tests run where little is free, too.
      POSTERN_MIN_FREE: '16M',
      ...this.#backend.settings,
      ...this.#options.settings,
    };
  }

  async start(): Promise<void> {
    // One that was killed has left its own.
    rmSync(this.readyFile, { force: true });
    const args = ['--pdeathsig', 'KILL', process.execPath, SHORT_LIVED, MAIN, 'serve'];
    const child = spawn('setpriv', [...args, ...(this.#options.args ?? [])], {
      cwd: this.#files.path,
      env: plainEnvironment(this.settings),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const take = (chunk: Buffer): void => {
      this.#log += chunk.toString();
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    let failed: Error | null = null;
    child.once('error', (error) => {
      failed = error;
    });
    this.#child = child;
    this.#ready = await eventually(
      'the bastion is ready',
      () => {
        if (failed !== null || child.exitCode !== null || child.signalCode !== null) return 'ended';
        return existsSync(this.readyFile) ? this.#readReady() : null;
      },
      90_000,
    )
      .then((answer) => {
        if (answer === 'ended') throw new Error(`the bastion ended: ${String(failed)}`);
        return answer;
      })
      .catch((error: unknown) => {
        child.kill('SIGKILL');
        throw new Error(`${String(error)}\n${this.#log}`, { cause: error });
      });
  }

  #readReady(): Ready {
    return JSON.parse(readFileSync(this.readyFile, 'utf8')) as Ready;
  }

  async #exit(deadlineMs: number): Promise<{ code: number | null; signal: string | null }> {
    const child = this.#child;
    if (child === null) return { code: 0, signal: null };
    if (child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((done) => child.once('close', done));
      await within('the bastion ends', gone, deadlineMs).catch((error: unknown) => {
        child.kill('SIGKILL');
        throw new Error(`${String(error)}\n${this.#log}`, { cause: error });
      });
    }
    this.#child = null;
    this.#ready = null;
    return { code: child.exitCode, signal: child.signalCode };
  }

  /** SIGTERM, and how it ended; rejects when it has not within 20 s. */
  async stop(): Promise<{ code: number | null; signal: string | null }> {
    this.#child?.kill('SIGTERM');
    return await this.#exit(20_000);
  }

  /** SIGKILL: as a crash of the machine. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#exit(5000);
  }

  /** `path` below /v1 unless it begins with a slash; a string body is sent as it is. */
  async api(
    path: string,
    init: { method?: string; body?: unknown; token?: string | null } = {},
  ): Promise<ApiAnswer> {
    const token = init.token === undefined ? this.token : init.token;
    const url = path.startsWith('/') ? this.url + path : `${this.url}/v1/${path}`;
    return await callApi(url, { ...init, token });
  }

  /** Sessions, newest first; `query` as `status=all&limit=100`. */
  async sessions(query = ''): Promise<readonly SessionView[]> {
    const answer = await this.api(`sessions?${query}`);
    return (dataOf(answer) as { sessions: readonly SessionView[] }).sessions;
  }

  async session(id: string): Promise<SessionView> {
    const answer = await this.api(`sessions/${id}`);
    return dataOf(answer) as SessionView;
  }

  /** The newest session of all, whole, once it has ended. */
  async lastEnded(): Promise<SessionView> {
    return await eventually('the newest session has ended', async () => {
      const [last] = await this.sessions('status=all&limit=1');
      if (last === undefined || last.status === 'pending' || last.status === 'active') return null;
      return await this.session(last.id);
    });
  }

  /** Types of the newest audit events, newest first. */
  async audit(): Promise<readonly string[]> {
    const answer = await this.api('audit?limit=100');
    const data = dataOf(answer) as { events: readonly { readonly type: string }[] };
    return data.events.map((event) => event.type);
  }

  /** Waits for an event of this type in the audit: it is written behind what was answered. */
  async audited(type: string): Promise<void> {
    await eventually(`${type} in the audit`, async () => (await this.audit()).includes(type));
  }

  /** `postern ARGS`, against this bastion. */
  async cli(...args: readonly string[]): Promise<Finished> {
    return await run(process.execPath, [MAIN, ...args], {
      cwd: this.#files.path,
      env: { POSTERN_URL: this.url, POSTERN_TOKEN: this.token },
    });
  }

  /** The same under a terminal. */
  terminal(
    args: readonly string[],
    size: { readonly cols: number; readonly rows: number },
  ): Screen {
    const env = { POSTERN_URL: this.url, POSTERN_TOKEN: this.token };
    return new Screen(process.execPath, [MAIN, ...args], { ...size, cwd: this.#files.path, env });
  }

  /** Writes a setup and applies it; rejects unless it was accepted. */
  async apply(yaml: string): Promise<void> {
    const file = this.#files.join('setup.yaml');
    writeFileSync(file, yaml, { mode: 0o600 });
    const finished = await this.cli('apply', file);
    if (finished.status === 0) return;
    throw new Error(`apply: ${finished.status}\n${finished.stdout}\n${finished.stderr}\n${yaml}`);
  }

  /** Where its recordings are; null: not in files here. */
  get #recordings(): string | null {
    const { POSTERN_RECORDINGS: given } = this.settings as Readonly<Record<string, string>>;
    if (given === undefined) return join(this.dataDir, 'recordings');
    return given.startsWith('file:') ? given.slice('file:'.length) : null;
  }

  /**
   * Stops it; rejects when its log shows a bug, or it did not end as it should, or asciinema does not take
   * one of its recordings.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      const running = this.#child !== null;
      const { code, signal } = await this.stop();
      if (running && code !== 0) throw new Error(`it ended with ${code ?? signal}\n${this.#log}`);
      const bug = this.#log.split('\n').find((line) => BUGS.test(line));
      if (bug !== undefined) throw new Error(`a bug in the bastion's log: ${bug}`);
      const root = this.#recordings;
      const key = join(this.dataDir, 'recording_seal_key.pub');
      if (root !== null && existsSync(key)) await checkRecorded(root, key);
    } finally {
      await this.#backend[Symbol.asyncDispose]();
      this.#files[Symbol.dispose]();
    }
  }
}

/** A bastion that is ready. */
export async function startBastion(options: BastionOptions = {}): Promise<Bastion> {
  const bastion = new Bastion(await freshBackend(), options);
  try {
    if (inject('backend') === 'embedded') await useTemplate(bastion.dataDir);
    await bastion.start();
    return bastion;
  } catch (error) {
    // It cannot end well, and why it did not begin is what counts.
    await bastion[Symbol.asyncDispose]().catch(() => undefined);
    throw error;
  }
}
