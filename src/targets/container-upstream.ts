import type { ContainerExec } from '../domain/container-engine.ts';
import { PosternError } from '../domain/errors.ts';
import { type Place, placeText } from '../domain/forward.ts';
import type { Logger } from '../domain/log.ts';
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
import { ContainerChannel } from './container-channel.ts';
import { ContainerFiles } from './container-files.ts';
import { ContainerPrograms } from './container-program.ts';
import { ContainerSignals } from './container-signals.ts';
import type { ContainerVisit } from './container-visit.ts';

/** Among a program's variables: what it is found by when it has to end. */
const MARK = 'POSTERN_PROGRAM';

/** Failures of an engine after which a program may run that it was asked to begin. */
const MAY_RUN: readonly string[] = ['engine.unreachable', 'engine.refused'];

/** How long a program may take that does nothing, in milliseconds. */
const NOTHING_MS = 5000;

export interface ContainerUpstreamParts {
  readonly container: RunningContainer;
  /** Its name. */
  readonly machine: string;
  /** Paths or names, in the order in which they are tried; then bash and sh. */
  readonly shells: readonly string[];
  readonly visit: ContainerVisit;
  readonly log: Logger;
}

/** Whether a program may have begun though its engine said that it had not, or nothing. */
function mayRun(error: unknown): boolean {
  return !(error instanceof PosternError) || MAY_RUN.includes(error.code);
}

/** One container, for one session. There is no connection to hold: each program has its own. */
export class ContainerUpstream implements Upstream {
  readonly closed: Promise<UpstreamEnd>;
  readonly #container: RunningContainer;
  readonly #machine: string;
  readonly #programs: ContainerPrograms;
  readonly #visit: ContainerVisit;
  readonly #log: Logger;
  readonly #end: (how: UpstreamEnd) => void;
  readonly #channels = new Set<UpstreamChannel>();

  constructor({ container, machine, shells, visit, log }: ContainerUpstreamParts) {
    this.#visit = visit;
    this.#container = container;
    this.#machine = machine;
    this.#programs = new ContainerPrograms({ container, machine, shells });
    this.#log = log.child({ container: container.name });
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
    const begun = this.#run(request);
    // Also one that begins when the session has ended already.
    this.#visit.follow(
      begun.then(
        (channel) => channel.left,
        () => true,
      ),
    );
    return this.#held(await begun);
  }

  async #run(request: UpstreamRequest): Promise<ContainerChannel> {
    const programs = this.#programs;
    const [command, env, mark] = await Promise.all([
      programs.command(request.program),
      programs.env(request),
      this.#visit.mark(),
    ]);
    const signals = new ContainerSignals({
      ...{ container: this.#container, mark, log: this.#log },
      shell: () => programs.plainShell(),
    });
    try {
      const exec = await this.#container.exec({
        command,
        env: [...env, [MARK, mark]],
        terminal: request.pty?.window ?? null,
      });
      return this.#channel(exec, signals);
    } catch (error) {
      // An engine that was lost may have begun it all the same.
      if (mayRun(error)) this.#visit.follow(signals.hangUp(this.#visit.over));
      throw error;
    }
  }

  #held(channel: UpstreamChannel): UpstreamChannel {
    this.#channels.add(channel);
    void channel.exited.then(() => this.#channels.delete(channel));
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
    // The end of a program is known a little before that of its container.
    let life = await this.#container.life();
    if (life === 'running' && !(await this.#takesPrograms())) life = 'stopped';
    if (life === 'running') life = await this.#container.life();
    if (life === 'running') return false;
    this.#end(life);
    await new Promise<void>((resolve) => setImmediate(resolve));
    return true;
  }

  /** Whether a program still runs to its end: in a container that is about to end none does. */
  async #takesPrograms(): Promise<boolean> {
    try {
      const command = [await this.#programs.plainShell(), '-c', ':'];
      const exec = await this.#container.exec({ command, env: [], terminal: null });
      exec.stdout.resume();
      exec.stderr.resume();
      const timer = setTimeout(() => exec.close(), NOTHING_MS);
      const code = await exec.exited;
      clearTimeout(timer);
      exec.close();
      return code === 0;
    } catch {
      return false;
    }
  }

  async #meaning(error: unknown): Promise<unknown> {
    const machine = this.#machine;
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
    const machine = this.#machine;
    return new PosternError('forward.prohibited', { machine, place: placeText(place) });
  }

  lend(): void {
    // No container is lent anything.
  }

  close(): void {
    for (const channel of this.#channels) channel.close();
    this.#end('closed');
    this.#visit.end();
  }
}
