import { randomBytes } from 'node:crypto';
import type { AuthorizedRoute } from '../domain/access.ts';
import type {
  ContainerDetail,
  ContainerEngine,
  ContainerEngines,
  ContainerExec,
} from '../domain/container-engine.ts';
import type { SessionTicket } from '../domain/control-plane.ts';
import { PosternError } from '../domain/errors.ts';
import { type Place, placeText } from '../domain/forward.ts';
import type { Logger } from '../domain/log.ts';
import type {
  Link,
  TargetConnector,
  Upstream,
  UpstreamChannel,
  UpstreamEnd,
  UpstreamListener,
  UpstreamRequest,
} from '../domain/upstream.ts';
import { type Run, ToolShell } from '../sftp/tool-shell.ts';
import { ContainerChannel } from './container-channel.ts';
import { chosenContainer } from './container-choice.ts';
import { ContainerFiles } from './container-files.ts';
import { ContainerPrograms } from './container-program.ts';
import { ContainerSignals } from './container-signals.ts';

/** Among a program's variables: what it is found by when it has to end. */
const MARK = 'POSTERN_PROGRAM';

export interface DockerTargetsOptions {
  readonly engines: ContainerEngines;
  readonly log: Logger;
}

/** Machines of kind `docker`: containers, entered by `exec`. */
export class DockerTargets implements TargetConnector {
  readonly #options: DockerTargetsOptions;

  constructor(options: DockerTargetsOptions) {
    this.#options = options;
  }

  async connect(
    { machine, login }: AuthorizedRoute,
    _ticket: SessionTicket,
    signal: AbortSignal,
  ): Promise<Upstream> {
    const { name, kind, container: place } = machine;
    if (place === null) throw new PosternError('machine.kind', { machine: name, kind });
    const engine = this.#options.engines.at(place.engine);
    const container = await unlessAborted(signal, chosenContainer(engine, name, place));
    const { id } = container;
    const about = { engine, container: id, machine: name, login, shells: place.shell };
    const programs = new ContainerPrograms(about);
    return new DockerUpstream({
      ...{ engine, container, machine: name, login, programs },
      log: this.#options.log.child({ container: container.name }),
    });
  }
}

/** Rejects as soon as nobody waits any more. */
async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const called = Promise.withResolvers<never>();
  const leave = (): void => called.reject(signal.reason);
  signal.addEventListener('abort', leave);
  try {
    return await Promise.race([work, called.promise]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

interface DockerUpstreamParts {
  readonly engine: ContainerEngine;
  readonly container: ContainerDetail;
  readonly machine: string;
  readonly login: string;
  readonly programs: ContainerPrograms;
  readonly log: Logger;
}

/** One container, for one session. There is no connection to hold: each program has its own. */
class DockerUpstream implements Upstream {
  readonly closed: Promise<UpstreamEnd>;
  readonly #parts: DockerUpstreamParts;
  readonly #end: (how: UpstreamEnd) => void;
  readonly #channels = new Set<UpstreamChannel>();

  constructor(parts: DockerUpstreamParts) {
    this.#parts = parts;
    const { promise, resolve } = Promise.withResolvers<UpstreamEnd>();
    this.closed = promise;
    this.#end = resolve;
  }

  async open(request: UpstreamRequest): Promise<UpstreamChannel> {
    const { desk } = request;
    if (desk?.agent) desk.answered('agent', false);
    if (desk?.x11) desk.answered('x11', false);
    try {
      return await this.#begin(request);
    } catch (error) {
      throw await this.#meaning(error);
    }
  }

  async #begin(request: UpstreamRequest): Promise<UpstreamChannel> {
    const { engine, container, login, programs, log } = this.#parts;
    const { program } = request;
    if (program.type === 'subsystem' && program.name === 'sftp') {
      if ((await programs.sftpServer()) === null) return this.#held(await this.#files(request));
    }
    const mark = randomBytes(16).toString('hex');
    const [command, env] = await Promise.all([
      programs.command(request.program),
      programs.env(request),
    ]);
    const exec = await engine.exec({
      ...{ container: container.id, command, user: login },
      env: [...env, [MARK, mark]],
      terminal: request.pty?.window ?? null,
    });
    const signals = async (): Promise<ContainerSignals> => {
      const shell = await programs.plainShell();
      return new ContainerSignals({ engine, container: container.id, login, mark, shell, log });
    };
    return this.#held(this.#channel(exec, signals()));
  }

  #held(channel: UpstreamChannel): UpstreamChannel {
    this.#channels.add(channel);
    void channel.exited.then(() => this.#channels.delete(channel));
    return channel;
  }

  async #files(request: UpstreamRequest): Promise<UpstreamChannel> {
    const { engine, container, login, machine, programs } = this.#parts;
    const [shell, env] = await Promise.all([programs.plainShell(), programs.env(request)]);
    const run: Run = (command) =>
      engine.exec({ ...{ container: container.id, command, user: login, env }, terminal: null });
    const tools = await ToolShell.begin(run, shell);
    if (typeof tools === 'string') {
      const reason = `its image has no sftp-server, and not what would do instead: ${tools}`;
      throw new PosternError('machine.refused', { machine, reason });
    }
    return new ContainerFiles({
      ...{ run, shell, tools },
      containerEnded: () => this.#containerEnded(),
    });
  }

  #channel(exec: ContainerExec, signals: Promise<ContainerSignals>): UpstreamChannel {
    // Without a shell in its image there is nothing to send a signal with.
    const known = signals.catch(() => null);
    return new ContainerChannel(exec, {
      signal: (name) => void known.then((one) => one?.send(name)),
      hangUp: async () => await (await known)?.hangUp(),
      containerEnded: () => this.#containerEnded(),
    });
  }

  /** Told to its session first, which then knows why its programs ended. */
  async #containerEnded(): Promise<boolean> {
    // An engine learns of the end of a program a little before that of its container.
    let state = await this.#state();
    if (state === 'running' && !(await this.#takesPrograms())) state = 'stopped';
    if (state === 'running') state = await this.#state();
    if (state === 'running') return false;
    this.#end(state);
    await new Promise<void>((resolve) => setImmediate(resolve));
    return true;
  }

  /** `stopped` also when it runs again: nothing of before is in it. */
  async #state(): Promise<'running' | 'stopped' | 'lost'> {
    const { engine, container } = this.#parts;
    const now = await engine.find(container.id).catch(() => undefined);
    if (now === undefined) return 'lost';
    const same = now?.startedAt?.getTime() === container.startedAt?.getTime();
    return now?.state === 'running' && same ? 'running' : 'stopped';
  }

  /** Whether a program can still begin: in a container that is about to end none can. */
  async #takesPrograms(): Promise<boolean> {
    const { engine, container, login, programs } = this.#parts;
    try {
      const command = [await programs.plainShell(), '-c', ':'];
      const exec = await engine.exec({
        ...{ container: container.id, command, user: login, env: [], terminal: null },
      });
      exec.close();
      return true;
    } catch {
      return false;
    }
  }

  async #meaning(error: unknown): Promise<unknown> {
    const { machine } = this.#parts;
    if (!(error instanceof PosternError)) return error;
    const options = { cause: error };
    switch (error.code) {
      case 'engine.not_started': {
        const reason = String(error.params['reason']);
        return new PosternError('machine.refused', { machine, reason }, options);
      }
      case 'engine.no_container':
      case 'engine.not_running':
        await this.#containerEnded();
        return new PosternError('machine.stopped', { machine }, options);
      case 'engine.unreachable':
      case 'engine.refused':
        return new PosternError('machine.unreachable', { machine, reason: error.message }, options);
      default:
        return error;
    }
  }

  dial(to: Place): Promise<Link> {
    return Promise.reject(this.#prohibited(to));
  }

  listen(at: Place): Promise<UpstreamListener> {
    return Promise.reject(this.#prohibited(at));
  }

  #prohibited(place: Place): PosternError {
    const { machine } = this.#parts;
    return new PosternError('forward.prohibited', { machine, place: placeText(place) });
  }

  lend(): void {
    // No container is lent anything.
  }

  close(): void {
    for (const channel of this.#channels) channel.close();
    this.#end('closed');
  }
}
