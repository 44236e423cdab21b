import type { ContainerExec } from '../domain/container-engine.ts';
import { PosternError } from '../domain/errors.ts';
import { type Place, placeText } from '../domain/forward.ts';
import { type Logger, rootReasonOf } from '../domain/log.ts';
import type { RunningContainer } from '../domain/running-container.ts';
import type {
  Link,
  Upstream,
  UpstreamChannel,
  UpstreamEnd,
  UpstreamListener,
  UpstreamRequest,
} from '../domain/upstream.ts';
import { type Run, ToolShell } from '../sftp/tool-shell.ts';
import { connectCommand } from './connect-script.ts';
import { ContainerChannel } from './container-channel.ts';
import { ContainerFiles } from './container-files.ts';
import { lifeAfter } from './container-life.ts';
import { ContainerLink } from './container-link.ts';
import { ContainerPrograms } from './container-program.ts';
import type { ContainerSignals } from './container-signals.ts';
import type { ContainerVisit } from './container-visit.ts';
import { MarkedContainer } from './marked-container.ts';

export interface ContainerUpstreamParts {
  readonly container: RunningContainer;
  /** Its name. */
  readonly machine: string;
  /** Paths or names, in the order in which they are tried; then bash and sh. */
  readonly shells: readonly string[];
  readonly visit: ContainerVisit;
  readonly log: Logger;
}

/** One container, for one session. There is no connection to hold: each program has its own. */
export class ContainerUpstream implements Upstream {
  readonly closed: Promise<UpstreamEnd>;
  readonly #container: MarkedContainer;
  readonly #machine: string;
  readonly #programs: ContainerPrograms;
  readonly #visit: ContainerVisit;
  readonly #log: Logger;
  readonly #end: (how: UpstreamEnd) => void;
  readonly #open = new Set<{ close(): void }>();

  constructor({ container, machine, shells, visit, log }: ContainerUpstreamParts) {
    this.#visit = visit;
    this.#machine = machine;
    this.#log = log.child({ container: container.name });
    this.#container = new MarkedContainer({
      ...{ container, visit, log: this.#log },
      shell: () => this.#programs.plainShell(),
    });
    this.#programs = new ContainerPrograms({ container: this.#container, machine, shells });
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
    const { program } = request;
    if (program.type === 'subsystem' && program.name === 'sftp') {
      if ((await this.#programs.sftpServer()) === null) {
        return this.#held(await this.#files(request));
      }
    }
    return this.#held(
      await this.#container.begin(
        async () => {
          const [command, env] = await Promise.all([
            this.#programs.command(program),
            this.#programs.env(request),
          ]);
          return { command, env, terminal: request.pty?.window ?? null };
        },
        (exec, signals) => this.#channel(exec, signals),
      ),
    );
  }

  #held(channel: UpstreamChannel): UpstreamChannel {
    this.#open.add(channel);
    void channel.exited.then(() => this.#open.delete(channel));
    this.#closeIfOver(channel);
    return channel;
  }

  async #files(request: UpstreamRequest): Promise<UpstreamChannel> {
    const programs = this.#programs;
    const [shell, env] = await Promise.all([programs.plainShell(), programs.env(request)]);
    const run: Run = (command) => this.#container.exec({ command, env, terminal: null });
    const tools = await ToolShell.begin(run, shell);
    if (typeof tools === 'string') {
      const reason = `its image has no sftp-server, and not what would do instead: ${tools}`;
      throw new PosternError('machine.refused', { machine: this.#machine, reason });
    }
    return new ContainerFiles({
      ...{ run, shell, tools },
      containerEnded: () => this.#containerEnded(),
    });
  }

  #channel(exec: ContainerExec, signals: ContainerSignals): ContainerChannel {
    return new ContainerChannel(exec, {
      signal: (name) => signals.send(name),
      hangUp: () => signals.hangUp(this.#visit.over),
      containerEnded: () => this.#containerEnded(),
    });
  }

  /** Told to its session first, which then knows why its programs ended. */
  async #containerEnded(): Promise<boolean> {
    const life = await lifeAfter(this.#container, this.#programs);
    if (life === 'running') return false;
    this.#end(life);
    await new Promise<void>((resolve) => setImmediate(resolve));
    return true;
  }

  async #meaning(error: unknown): Promise<unknown> {
    const machine = this.#machine;
    if (!(error instanceof PosternError)) return error;
    const options = { cause: error };
    switch (error.code) {
      case 'cluster.not_started':
      case 'engine.not_started': {
        const isGone = (await this.#container.life()) === 'stopped';
        if (isGone && (await this.#containerEnded())) break;
        const reason = String(error.params['reason']);
        return new PosternError('machine.refused', { machine, reason }, options);
      }
      case 'cluster.no_pod':
      case 'engine.no_container':
      case 'engine.not_running':
        await this.#containerEnded();
        break;
      case 'engine.unreachable':
      case 'engine.refused':
      case 'cluster.setting':
      case 'cluster.unreachable':
      case 'cluster.refused':
        this.#log.warn('an engine or a cluster did not do as asked', {
          machine,
          reason: rootReasonOf(error),
        });
        return new PosternError('machine.unreachable', { machine, reason: error.message }, options);
      default:
        return error;
    }
    return new PosternError('machine.stopped', { machine }, options);
  }

  async dial(to: Place): Promise<Link> {
    let why: string | null;
    try {
      const link = await this.#link(to);
      why = await link.begun;
      if (why === null) return link;
      link.close();
    } catch (error) {
      const meaning = await this.#meaning(error);
      if (!(meaning instanceof PosternError) || meaning.code !== 'machine.refused') throw meaning;
      // It says something about this one alone: programs may run all the same.
      why = String(meaning.params['reason']);
    }
    const params = { machine: this.#machine, place: placeText(to), reason: why };
    throw new PosternError('forward.failed', params);
  }

  /** By a program in the container: its network is its own, and may be one that nothing leads to. */
  async #link(to: Place): Promise<ContainerLink> {
    const [host, port] = to.type === 'tcp' ? [to.host, String(to.port)] : [to.path, ''];
    const link = await this.#container.begin(
      async () => {
        const command = connectCommand(await this.#programs.plainShell(), host, port);
        return { command, env: [], terminal: null };
      },
      (exec, signals) => new ContainerLink(exec, () => signals.hangUp(this.#visit.over)),
    );
    this.#open.add(link);
    void link.closed.then(() => {
      this.#open.delete(link);
      if (link.isLost) void this.#containerEnded();
    });
    this.#closeIfOver(link);
    return link;
  }

  /** For what has begun after `close`, which could not find it. */
  #closeIfOver(one: { close(): void }): void {
    if (this.#visit.over.aborted) one.close();
  }

  listen(at: Place): Promise<UpstreamListener> {
    return Promise.reject(this.#prohibited(at));
  }

  #prohibited(place: Place): PosternError {
    const machine = this.#machine;
    return new PosternError('forward.prohibited', { machine, place: placeText(place) });
  }

  lend(): void {
    // No container is lent anything.
  }

  close(): void {
    for (const one of this.#open) one.close();
    this.#end('closed');
    this.#visit.end();
  }
}
