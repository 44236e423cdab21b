import type { Duplex, Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import type {
  Container,
  ContainerDetail,
  ContainerEngine,
  ContainerEngines,
  ContainerExec,
  ContainerFilter,
  ContainerNews,
  ExecRequest,
} from '../domain/container-engine.ts';
import { PosternError } from '../domain/errors.ts';
import { printable } from '../domain/log.ts';
import type { Window } from '../domain/terminal.ts';
import { containerOf, containersOf, type ExecState, execIdOf, execStateOf } from './containers.ts';
import { EngineExec } from './exec.ts';
import { Follower } from './follower.ts';
import { type EngineAnswer, EngineHttp } from './http.ts';
import { unreachableFor } from './unreachable.ts';

/** An id as engines give it, whole. */
const FULL_ID = /^[0-9a-f]{64}$/;

/** What changes which containers there are, and how they are. */
const EVENTS = [
  'create',
  'start',
  'die',
  'stop',
  'destroy',
  'rename',
  'pause',
  'unpause',
  'health_status',
  // As Podman has `die` and `destroy`; of its `stopped` containers nothing is left after `cleanup`.
  'died',
  'cleanup',
  'remove',
];

/** Between two questions whether a program has begun, in milliseconds: at first, at most. */
const BEGUN_MS = { first: 2, most: 100 } as const;

/** How long an engine may take to begin a program, in milliseconds. */
const BEGIN_MS = 30_000;

/** What is read of an engine's word about a program that it could not begin, in bytes. */
const MOST_WORD = 4096;

/** What Podman has a program end with that it could not begin. */
const CANNOT_BEGIN: readonly number[] = [125, 126, 127];

/** How long after its end a program's last word may take to come, in milliseconds. */
const WORD_MS = 500;

interface BegunState extends ExecState {
  /** Whether one that has ended has no number any more, whether it ever had one or not (Podman). */
  readonly forgetsPid: boolean;
}

export interface EnginesOptions {
  /** The directory of the certificates for engines behind TLS; null: there is none. */
  readonly certificates: string | null;
}

/** All engines of this process, by address. */
export class Engines implements ContainerEngines {
  readonly #options: EnginesOptions;
  readonly #known = new Map<string, ContainerEngine>();

  constructor(options: EnginesOptions) {
    this.#options = options;
  }

  at(address: string): ContainerEngine {
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    const engine = new HttpEngine(address, this.#options.certificates);
    this.#known.set(address, engine);
    return engine;
  }
}

/**
 * An engine over its HTTP API (https://docs.docker.com/reference/api/engine/), without a version in
 * the path: each engine then speaks the newest that it has, and newer ones refuse old versions.
 */
class HttpEngine implements ContainerEngine {
  readonly address: string;
  readonly #http: EngineHttp;

  constructor(address: string, certificates: string | null) {
    this.address = address;
    this.#http = new EngineHttp(address, certificates);
  }

  async list({ all = false, labels = {} }: ContainerFilter = {}): Promise<readonly Container[]> {
    const label = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
    const query = `all=${all}&filters=${encodeURIComponent(JSON.stringify({ label }))}`;
    const answer = await this.#http.ask({ method: 'GET', path: `/containers/json?${query}` });
    if (answer.status !== 200) throw this.#http.refused(answer);
    return containersOf(answer.body).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  async find(nameOrId: string): Promise<ContainerDetail | null> {
    const path = `/containers/${encodeURIComponent(nameOrId)}/json`;
    const answer = await this.#http.ask({ method: 'GET', path });
    if (answer.status === 404) return null;
    if (answer.status !== 200) throw this.#http.refused(answer);
    const found = containerOf(answer.body);
    // An engine takes what is nobody's id for a name, and somebody may have given that one.
    return FULL_ID.test(nameOrId) && found.id !== nameOrId ? null : found;
  }

  async has(container: string, path: string): Promise<boolean> {
    const query = `path=${encodeURIComponent(path)}`;
    const at = `/containers/${encodeURIComponent(container)}/archive?${query}`;
    const answer = await this.#http.ask({ method: 'HEAD', path: at });
    if (answer.status !== 200 && answer.status !== 404) throw this.#http.refused(answer);
    return answer.status === 200;
  }

  async exec(request: ExecRequest): Promise<ContainerExec> {
    const id = await this.#create(request);
    const socket = await this.#start(id, request);
    const questions = {
      state: () => this.#state(id),
      resize: (window: Window) => this.#resize(id, window),
    };
    const exec = new EngineExec(id, socket, request.terminal !== null, questions);
    try {
      await this.#begun(id, request, exec);
    } catch (error) {
      exec.close();
      throw error;
    }
    return exec;
  }

  follow(onNews: (news: ContainerNews) => void): { close(): void } {
    const filters = encodeURIComponent(JSON.stringify({ type: ['container'], event: EVENTS }));
    const path = `/events?filters=${filters}`;
    const followed = {
      events: () => this.#http.stream({ method: 'GET', path }),
      list: () => this.list({ all: true }),
      find: (id: string) => this.find(id),
      ping: () => this.#ping(),
    };
    return new Follower(followed, onNews);
  }

  async #ping(): Promise<void> {
    const answer = await this.#http.ask({ method: 'GET', path: '/_ping' });
    if (answer.status !== 200) throw this.#http.refused(answer);
  }

  async #create(request: ExecRequest): Promise<string> {
    const { container, terminal, directory } = request;
    const answer = await this.#http.ask({
      method: 'POST',
      path: `/containers/${encodeURIComponent(container)}/exec`,
      body: {
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
        Tty: terminal !== null,
        // Only engines of API 1.42 and newer look at it.
        ...(terminal !== null && { ConsoleSize: [terminal.rows, terminal.cols] }),
        Cmd: request.command,
        User: request.user,
        Env: request.env.map(([name, value]) => `${name}=${value}`),
        ...(directory !== undefined && { WorkingDir: directory }),
      },
    });
    if (answer.status === 404) throw new PosternError('engine.no_container', { container });
    if (answer.status === 409) throw new PosternError('engine.not_running', { container });
    const id = execIdOf(answer.body);
    if (answer.status === 201 && id !== '') return id;
    // Podman has 500 for it.
    const now = answer.status === 500 ? await this.find(container) : null;
    if (now !== null && now.state !== 'running') {
      throw new PosternError('engine.not_running', { container });
    }
    throw this.#http.refused(answer);
  }

  async #start(id: string, { container, terminal, command }: ExecRequest): Promise<Duplex> {
    const tty = terminal !== null;
    const started = await this.#http.upgrade({
      method: 'POST',
      path: `/exec/${id}/start`,
      body: { Detach: false, Tty: tty },
    });
    if (!('status' in started)) return started;
    if (started.status === 409) throw new PosternError('engine.not_running', { container });
    const refused = this.#http.refused(started);
    const state = await this.#state(id);
    if (state.running || state.pid > 0 || !state.exitCode) throw refused;
    // Podman says so of a user that there is not.
    const { reason = '' } = refused.params;
    throw new PosternError('engine.not_started', { program: command[0] ?? '', reason });
  }

  /**
   * The streams are there before the program is. One that could not begin has ended without ever
   * having had a number, and what the engine says about it is in its output.
   */
  async #begun(id: string, { command, terminal }: ExecRequest, exec: EngineExec): Promise<void> {
    const state = await this.#atBegin(id);
    const [program = ''] = command;
    if (state === null) {
      const reason = `${program} had not begun in time`;
      throw unreachableFor(this.address, reason, reason);
    }
    if (state.pid === 0) {
      const reason = state.forgetsPid
        ? await podmansWord(terminal === null ? exec.stderr : exec.stdout, state.exitCode)
        : (await wordOf(exec.stdout)) || 'it did not say why';
      if (reason === null) return;
      throw new PosternError('engine.not_started', { program, reason: printable(reason, 300) });
    }
    if (terminal !== null) await exec.resize(terminal);
  }

  /** Once it has a number, or has ended without one that is known; null: it takes too long. */
  async #atBegin(id: string): Promise<BegunState | null> {
    const latest = performance.now() + BEGIN_MS;
    for (let pause: number = BEGUN_MS.first; ; pause = Math.min(pause * 2, BEGUN_MS.most)) {
      const state = await this.#state(id);
      if (state.pid > 0 || (!state.running && state.exitCode !== null)) return state;
      if (performance.now() > latest) return null;
      await wait(pause);
    }
  }

  async #state(id: string): Promise<BegunState> {
    const answer = await this.#http.ask({ method: 'GET', path: `/exec/${id}/json` });
    if (answer.status !== 200) throw this.#http.refused(answer);
    return { ...execStateOf(answer.body), forgetsPid: answer.server.startsWith('Libpod/') };
  }

  async #resize(id: string, { cols, rows }: Window): Promise<void> {
    const path = `/exec/${id}/resize?w=${cols}&h=${rows}`;
    const answer: EngineAnswer = await this.#http.ask({ method: 'POST', path });
    // Podman says 201.
    if (answer.status !== 200 && answer.status !== 201) throw this.#http.refused(answer);
  }
}

/**
 * What Podman says of a program that it could not begin; null: it did begin, and what it wrote is
 * still to be read.
 */
async function podmansWord(output: Readable, exitCode: number | null): Promise<string | null> {
  if (exitCode === null || !CANNOT_BEGIN.includes(exitCode)) return null;
  // Whoever asks a stream for its end, has it told: that is for its reader.
  const latest = performance.now() + WORD_MS;
  while (output.readableLength === 0 && performance.now() < latest) await wait(BEGUN_MS.first);
  const chunk: unknown = output.readableLength === 0 ? null : output.read();
  if (!Buffer.isBuffer(chunk)) return null;
  const [, word] = /^Error: (.*: OCI [^\r\n]*)/.exec(chunk.toString('utf8')) ?? [];
  if (word !== undefined) return word;
  output.unshift(chunk);
  return null;
}

/** One line, without what an engine puts around it. */
async function wordOf(output: NodeJS.ReadableStream): Promise<string> {
  let word = '';
  for await (const chunk of output) {
    word += chunk.toString('utf8');
    if (word.length >= MOST_WORD) break;
  }
  return word.trim();
}
